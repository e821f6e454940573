package floods

import (
	"net/http"
	"strings"
	"testing"

	"gusty/test/agent"
)

const guesses = 80

// TestGuesses guesses from the administrator's own address, under its name and others, with a large
// body announced, as somebody behind the same router would.
func TestGuesses(t *testing.T) {
	p := agent.StartT(t, t.TempDir())
	admin := p.ClientT(t)
	config, err := p.TLS()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{process: p, admin: admin, tls: config}
	w.want(t, http.StatusOK, http.MethodGet, "/agent/status", "")
	names := map[string]string{"known": admin.Credentials.User, "unknown": "mallory"}
	for name, user := range names {
		statuses := w.guess(t, user)
		if others := guesses - statuses[401] - statuses[429]; others > 0 || statuses[429] == 0 {
			t.Errorf("the answers to guesses for a name that is %s are %v", name, statuses)
		}
		admin.Close() // the next request needs a connection, and its credentials, anew
		w.want(t, http.StatusOK, http.MethodGet, "/agent/status", "")
	}
	log := p.Log()
	counted := strings.Contains(log, "refused for their credentials")
	if !counted || !strings.Contains(log, "mallory") {
		t.Errorf("the log tells nothing of the guesses:\n%s", log)
	}
	if lines := strings.Count(log, "\n"); lines > guesses/2 {
		t.Errorf("the log has %d lines", lines)
	}
}

// guess tries passwords one after the other and returns how often which status came.
func (w *world) guess(t *testing.T, user string) map[int]int {
	statuses := map[int]int{}
	for n := range guesses {
		conn, err := w.dialFrom(t.Context(), "127.0.0.1", false)
		if err != nil {
			t.Fatal(err)
		}
		status := 0
		c := &client{Conn: conn, heard: &status}
		who := agent.Credentials{User: user, Password: strings.Repeat("g", n%70+1)}
		c.say(head("POST", "/agent/command/execute", who, "Content-Length: 70000\r\n\r\n"))
		c.hearWithin(hearAtMost)
		statuses[status]++
		_ = conn.Close()
	}
	return statuses
}
