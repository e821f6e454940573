package contract

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"gusty/test/agent"
)

func basic(user, password string) map[string]string {
	return map[string]string{"Authorization": "Basic " +
		base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func testAccess(t *testing.T, s *suite) {
	user, password := s.client.Credentials.User, s.client.Credentials.Password
	status := func(name string, header map[string]string, want int) probe {
		return probe{
			name:   name,
			method: http.MethodGet,
			path:   "/agent/status",
			header: header,
			status: want,
		}
	}
	s.run(t, []probe{
		status("nobody", map[string]string{"Authorization": ""}, 401),
		status("no scheme", map[string]string{"Authorization": password}, 401),
		status("not base64", map[string]string{"Authorization": "Basic %%%"}, 401),
		status("no colon",
			map[string]string{"Authorization": "Basic " +
				base64.StdEncoding.EncodeToString([]byte("Admin"))}, 401),
		status("no such token", map[string]string{"Authorization": "Bearer " + password}, 401),
		status("scheme in any case",
			map[string]string{"Authorization": "bASIC " +
				basic(user, password)["Authorization"][6:]}, 200),
		status("user in another case", basic("admin", password), 401),
	})
	wrong := s.ask(t, status("", basic(user, "wrong"), 401))
	unknown := s.ask(t, status("", basic("nobody-at-all", "wrong"), 401))
	if string(wrong.Body) != string(unknown.Body) {
		t.Errorf("a wrong password is answered %s, an unknown user %s", wrong.Body, unknown.Body)
	}
	t.Run("password", func(t *testing.T) { testPassword(t, s) })
}

// testPassword changes the first user's password: only that one works then, and the file with the
// first one is gone.
func testPassword(t *testing.T, s *suite) {
	old := s.client.Credentials
	put := func(name, body string, status int, field string) probe {
		return probe{
			name:   name,
			method: http.MethodPut,
			path:   "/agent/userpassword/update",
			body:   body,
			status: status,
			field:  field,
		}
	}
	s.run(t, []probe{
		put("unknown user", `{"name":"nobody-at-all","pass":"long enough"}`, 404, ""),
		put("empty", `{"name":"Admin","pass":""}`, 422, "pass"),
		put("missing", `{"name":"Admin"}`, 422, "pass"),
		put("name missing", `{"pass":"long enough"}`, 422, "name"),
		put("a number", `{"name":"Admin","pass":12345678}`, 422, "pass"),
		put("not JSON", `name`, 400, ""),
	})
	next := agent.Credentials{User: old.User, Password: "another: pässword"}
	body := `{"name":` + text(next.User) + `,"pass":` + text(next.Password) + `}`
	s.ask(t, probe{
		method: http.MethodPut,
		path:   "/agent/userpassword/update",
		body:   body,
		status: 200,
		check:  checkExec("User updated successfully"),
	})
	s.client.Credentials = next
	s.run(t, []probe{
		{name: "the old one is refused at once", method: http.MethodGet, path: "/agent/status", header: basic(old.User, old.Password), status: 401},
		{name: "the new one works", method: http.MethodGet, path: "/agent/status", status: 200},
	})
	if _, err := os.Stat(filepath.Join(s.process.Dir, "admin-password")); !os.IsNotExist(err) {
		t.Errorf("the file with the first password must be gone: %v", err)
	}
}

// TestThrottle guesses passwords until the agent refuses to look at them; a client that is known to
// it goes on.
func TestThrottle(t *testing.T) {
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	if _, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/status",
		""); err != nil {
		t.Fatal(err)
	}
	for guess := range 200 {
		answer, err := client.Do(t.Context(), http.MethodGet, "/agent/status", "",
			basic("Admin", "guess"+strconv.Itoa(guess)))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil ||
				after < 1 {
				t.Errorf("a 429 needs a Retry-After in seconds, this one has %q",
					answer.Header.Get("Retry-After"))
			}
			if _, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/status",
				""); err != nil {
				t.Errorf("the guesses lock a known client out: %v", err)
			}
			return
		}
		if answer.Status != http.StatusUnauthorized {
			t.Fatalf("guess %d answered %d", guess, answer.Status)
		}
	}
	t.Error("200 wrong passwords in a row were all looked at")
}
