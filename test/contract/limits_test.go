package contract

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// testLimits sends what is too large or of the wrong type.
func testLimits(t *testing.T, s *suite) {
	type header = map[string]string
	heartbeat := func(name, contentType, body string, status int) probe {
		return probe{
			name:   name,
			method: http.MethodPost,
			path:   "/agent/heartbeat",
			body:   body,
			header: header{"Content-Type": contentType},
			status: status,
		}
	}
	large := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("#", 700<<10)))
	s.run(t, []probe{
		heartbeat("with a charset", "application/json; charset=utf-8", `{"id":"1"}`, 200),
		heartbeat("form", "application/x-www-form-urlencoded", `id=1`, 415),
		heartbeat("text", "text/plain", `{"id":"1"}`, 415),
		heartbeat("no type", "", `{"id":"1"}`, 415),
		heartbeat("64 KiB and more", "application/json", `{"id":"`+strings.Repeat("x", 64<<10)+`"}`, 413),
		{name: "script near 1 MiB", method: http.MethodPost, path: "/agent/job", body: jobWith(t, "large", map[string]any{"content": large}), status: 200},
		{name: "clean up", method: http.MethodDelete, path: "/agent/job?script_name=large", status: 200},
		{
			name: "script over 1 MiB", method: http.MethodPost, path: "/agent/job",
			body:   jobWith(t, "large", map[string]any{"content": large + large}),
			status: 413, code: "too_large",
		},
		{name: "no such route", method: http.MethodGet, path: "/agent/none", status: 404, code: "no_such_route"},
		{name: "no such route at the root", method: http.MethodGet, path: "/", status: 404, code: "no_such_route"},
		{name: "slash at the end", method: http.MethodGet, path: "/agent/status/", status: 404, code: "no_such_route"},
		{name: "deep JSON", method: http.MethodPost, path: "/agent/heartbeat", body: strings.Repeat("[", 20000), status: 400},
	})
}

// testMethods asks every path with a method that it does not have, every GET route by HEAD, and
// every route without credentials.
func testMethods(t *testing.T, s *suite) {
	for path, item := range s.document.spec.Paths.Map() {
		concrete := strings.ReplaceAll(path, "{run_id}", noRun)
		concrete = strings.ReplaceAll(concrete, "{id}", noRun)
		operations := item.Operations()
		t.Run("PATCH "+strings.ReplaceAll(path, "/", "·"), func(t *testing.T) {
			answer := s.ask(t, probe{method: http.MethodPatch, path: concrete, body: `{}`, status: 405, code: "method_not_allowed"})
			requireAllow(t, path, answer.Header.Get("Allow"), operations)
		})
		if _, readable := operations[http.MethodGet]; readable {
			t.Run("HEAD "+strings.ReplaceAll(path, "/", "·"), func(t *testing.T) {
				testHead(t, s, concrete)
			})
		}
		if strings.HasPrefix(path, "/agent/health/") {
			continue
		}
		for method := range operations {
			t.Run("nobody's "+method+strings.ReplaceAll(path, "/", "·"), func(t *testing.T) {
				answer := s.ask(t, probe{
					method: method,
					path:   concrete,
					header: map[string]string{"Authorization": ""},
					status: 401,
				})
				if answer.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s: a 401 without WWW-Authenticate", method, path)
				}
			})
		}
	}
}

func requireAllow[T any](t *testing.T, path, allow string, operations map[string]T) {
	t.Helper()
	var methods []string
	for method := range strings.SplitSeq(allow, ",") {
		methods = append(methods, strings.TrimSpace(method))
	}
	for method := range operations {
		if !slices.Contains(methods, method) {
			t.Errorf("%s: Allow is %q and lacks %s", path, allow, method)
		}
	}
}

// testHead expects of HEAD the status of GET and no body.
func testHead(t *testing.T, s *suite, path string) {
	read, err := s.client.Do(t.Context(), http.MethodGet, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := s.ask(t, probe{method: http.MethodHead, path: path, status: read.Status})
	if len(answer.Body) != 0 {
		t.Errorf("HEAD %s has a body of %d bytes", path, len(answer.Body))
	}
}
