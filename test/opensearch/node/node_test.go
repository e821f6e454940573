package node

import (
	"net/http"
	"strings"
	"testing"
)

// A node starts, takes a document, and has it still when it was killed and started again.
func TestNode(t *testing.T) {
	n := StartT(t, Options{})
	if answer := n.DoT(t, http.MethodGet, "/", ""); !strings.Contains(string(answer), `"osnode"`) {
		t.Errorf("it answers %s", answer)
	}
	n.DoT(t, http.MethodPut, "/things/_create/1", `{"a":1}`)
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.DoT(t, http.MethodGet, "/_cluster/health/things?wait_for_status=yellow&timeout=30s", "")
	documents, err := n.Documents(t.Context(), "things")
	if err != nil || len(documents) != 1 || documents["1"] == nil {
		t.Errorf("it holds %v (%v)", documents, err)
	}
}

// With the security plugin it asks who comes.
func TestNodeWithUsers(t *testing.T) {
	n := StartT(t, Options{Security: true})
	if answer := n.DoT(t, http.MethodGet, "/", ""); !strings.Contains(string(answer), `"osnode"`) {
		t.Errorf("it answers %s", answer)
	}
	if !strings.HasPrefix(n.URL, "https://") {
		t.Errorf("it serves %s", n.URL)
	}
}
