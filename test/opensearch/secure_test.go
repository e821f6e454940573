package opensearch

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// TestSecureNode ships to a node with TLS and users: nothing goes to a server that is not trusted,
// refused credentials pause shipping and say whose they are, and right ones let it go on by itself.
func TestSecureNode(t *testing.T) {
	n := node.StartT(t, node.Options{Security: true})
	makeUser(t, n, "writer", "4-Horses-Eat-Hay", "secured*")
	makeUser(t, n, "health-only", "9-Boats-Go-By", "secured")
	_, client := startShipping(t, n.URL, "secured")
	configure(t, client, "opensearch_user_name", "writer", "opensearch_user_pass", "wrong")
	for i := range 10 {
		beat(t, client, fmt.Sprint(i))
	}
	stateBecomes(t, client, "certificate signed by unknown authority")
	configure(t, client, "opensearch_fingerprint", strings.Repeat("ab", sha256.Size))
	stateBecomes(t, client, "another fingerprint than the pinned one")
	configure(t, client, "opensearch_fingerprint", fingerprint(t, n))
	o := stateBecomes(t, client, "paused: ")
	if !strings.Contains(o.State, `the user "writer"`) || !strings.Contains(o.State, n.URL) {
		t.Errorf("the state is %q", o.State)
	}
	requireFault(t, client, "login")
	configure(t, client, "opensearch_user_pass", "4-Horses-Eat-Hay")
	drained(t, client)
	configure(t, client, "opensearch_fingerprint", "", "opensearch_ca_file", n.CAFile())
	beat(t, client, "by the CA")
	drained(t, client)
	if got := beats(t, n, "secured"); len(got) != 11 {
		t.Errorf("%d heartbeats arrived", len(got))
	}
	testOnePermission(t, n, client)
}

// testOnePermission ships as a user who may write to one index only: that is no reason for its
// documents to wait.
func testOnePermission(t *testing.T, n *node.Node, client *agent.Client) {
	t.Helper()
	configure(t, client, "opensearch_user_name", "health-only", "opensearch_user_pass",
		"9-Boats-Go-By")
	storeJob(t, client, "closed", "echo hello", "closed-to-it", nil)
	id := runJob(t, client, "closed")
	if o := stateBecomes(t, client, "paused: "); !strings.Contains(o.State, "closed-to-it") ||
		!strings.Contains(o.State, "health-only") {
		t.Errorf("the state is %q", o.State)
	}
	steps := string(wantT(t, client, http.MethodPost, "/agent/opensearch/check", ""))
	if !strings.Contains(steps, "secured has taken the document") ||
		!strings.Contains(steps, "closed-to-it: answered 403") {
		t.Errorf("the check says %s", steps)
	}
	beat(t, client, "beside it")
	eventually(t, "the heartbeat arrives", func() error {
		if beats(t, n, "secured")["beside it"] != 1 {
			return fmt.Errorf("%+v", outboxOf(t, client))
		}
		return nil
	})
	stateBecomes(t, client, "documents for closed-to-it wait")
	configure(t, client, "opensearch_user_name", "admin", "opensearch_user_pass", node.Password)
	if o := drained(t, client); o.Refused+o.Dropped != 0 ||
		len(documents(t, n, "closed-to-it", ofRun(id))) != 1 {
		t.Errorf("the outbox is %+v", o)
	}
}

func makeUser(t *testing.T, n *node.Node, name, password, indices string) {
	t.Helper()
	role := map[string]any{
		"cluster_permissions": []string{"indices:data/write/bulk"},
		"index_permissions":   []any{map[string]any{"index_patterns": []string{indices}, "allowed_actions": []string{"crud", "create_index", "indices:admin/mapping/put"}}},
	}
	put := func(path string, body any) {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		n.DoT(t, http.MethodPut, "/_plugins/_security/api/"+path+name, string(data))
	}
	put("roles/", role)
	put("internalusers/", map[string]any{
		"password":                  password,
		"opendistro_security_roles": []string{name},
	})
}

// fingerprint returns the SHA-256 of the certificate that the node shows.
func fingerprint(t *testing.T, n *node.Node) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(n.URL, "https://"), &tls.Config{InsecureSkipVerify: true}) // it is only looked at
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// requireFault expects that the check of the way to OpenSearch ends at a step, with something to
// do.
func requireFault(t *testing.T, client *agent.Client, name string) {
	t.Helper()
	var checked struct {
		OK    bool `json:"ok"`
		Steps []struct {
			Step   string `json:"step"`
			OK     bool   `json:"ok"`
			Remedy string `json:"remedy"`
		} `json:"steps"`
	}
	if err := json.Unmarshal(wantT(t, client, http.MethodPost, "/agent/opensearch/check", ""),
		&checked); err != nil {
		t.Fatal(err)
	}
	last := checked.Steps[len(checked.Steps)-1]
	if checked.OK || last.OK || last.Step != name || last.Remedy == "" {
		t.Errorf("the check says %+v", checked)
	}
}
