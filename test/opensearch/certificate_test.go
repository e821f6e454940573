package opensearch

import (
	"context"
	"os"
	"testing"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// A certificate that is changed on the server is not taken until its authority is the agent's, too:
// then shipping goes on by itself, also where the CA file was replaced in its place.
func TestChangedCertificate(t *testing.T) {
	node.NeedNginxT(t)
	n := node.StartT(t, node.Options{})
	port, err := agent.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := startFront(t, port, n)
	trusted := t.TempDir() + "/ca.pem"
	copyFile(t, first.CAFile(), trusted)
	_, client := startShipping(t, first.URL, "behind-nginx")
	configure(t, client, "opensearch_user_name", node.User, "opensearch_user_pass", node.Password,
		"opensearch_ca_file", trusted)
	beat(t, client, "one")
	drained(t, client)
	stopFront(t, first)
	second := startFront(t, port, n)
	beat(t, client, "two")
	stateBecomes(t, client, "certificate signed by unknown authority")
	copyFile(t, second.CAFile(), trusted)
	drained(t, client)
	if got := beats(t, n, "behind-nginx"); got["one"] != 1 || got["two"] != 1 {
		t.Errorf("%v arrived", got)
	}
}

func startFront(t *testing.T, port int, n *node.Node) *node.Front {
	t.Helper()
	f, err := node.StartFront(t.Context(), port, n, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopFront(t, f) })
	return f
}

// stopFront may be called again.
func stopFront(t *testing.T, f *node.Front) {
	t.Helper()
	if err := f.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
