package opensearch

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gusty/test/opensearch/node"
)

// testOtherServers lets the agent ship to servers that answer nonsense. None of them makes it lose
// a document or call one delivered: when the endpoint is the node's, all arrive.
func testOtherServers(t *testing.T, n *node.Node) {
	const index = "after-other-servers"
	_, client := startShipping(t, "http://127.0.0.1:9", index)
	for i := range 20 {
		beat(t, client, fmt.Sprint(i))
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a page":          say(200, "<html>welcome</html>"),
		"another JSON":    say(200, `{"ok":true}`),
		"errors of all":   say(500, "oops"),
		"nothing there":   say(404, "404 page not found"),
		"other items":     say(200, `{"items":[{"create":{"_id":"1","status":201}}]}`),
		"half an answer":  cut,
		"a redirection":   say(302, ""),
		"a plain 400":     say(400, "bad request"),
		"endless nothing": endless,
	} {
		server := httptest.NewServer(handler)
		configure(t, client, "opensearch_domain_endpoint", server.URL)
		o := stateBecomes(t, client, "backing off until ")
		if o.Waiting < 20 || o.Shipped+o.Refused+o.Dropped != 0 || o.LastError == "" {
			t.Errorf("%s: the outbox is %+v", name, o)
		}
		server.CloseClientConnections()
		server.Close()
	}
	configure(t, client, "opensearch_domain_endpoint", n.URL)
	if o := drained(t, client); o.Shipped < 20 || len(beats(t, n, index)) != 20 {
		t.Errorf("the outbox is %+v", o)
	}
}

func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut closes the connection in the middle of what begins as a right answer.
func cut(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"items":[{"create":{"_i`)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// endless answers with blanks until the client has had enough.
func endless(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	blanks := strings.Repeat(" ", 64<<10)
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, blanks); err != nil {
			return
		}
	}
}
