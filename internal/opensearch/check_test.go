package opensearch

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// root answers as a node does to GET /, and to anything else with a status and a body.
func root(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, `{"version":{"number":"2.19.4","distribution":"opensearch"}}`)
			return
		}
		answerWith(status, body)(w, r)
	}
}

// refusingProxy answers every request with a status.
func refusingProxy(t *testing.T, status int) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Where the way ends, the check names the step, and a remedy that fits what was seen.
func TestCheckNamesWhatToDo(t *testing.T) {
	plain := httptest.NewServer(root(200, answers(201)))
	defer plain.Close()
	secure := httptest.NewTLSServer(root(200, answers(201)))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	defer secure.Close()
	raw := func(answer string) string {
		return rawServer(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
		})
	}
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	closed := closedAddress(t)
	toTLS := strings.Replace(secure.URL, "https://", "http://", 1)
	toPlain := strings.Replace(plain.URL, "http://", "https://", 1)
	for name, c := range map[string]struct {
		endpoint, proxy, step, remedy string
		found                         string // in the last step
		ca                            string
	}{
		"nobody listens":       {endpoint: "http://" + closed, step: "TCP", remedy: "that OpenSearch runs", found: "no connection to " + closed + ": "},
		"untrusted":            {endpoint: secure.URL, step: "TLS", remedy: "set opensearch_ca_file to the PEM file"},
		"no CA file":           {endpoint: secure.URL, ca: "/nowhere/ca.pem", step: "TLS", remedy: "that the agent may read"},
		"TLS to plain":         {endpoint: toPlain, step: "TLS", remedy: "with http://"},
		"plain to TLS":         {endpoint: toTLS, step: "login", remedy: "with https://"},
		"TLS to a cut":         {endpoint: strings.Replace(raw(""), "http://", "https://", 1), step: "TLS", remedy: "ended the handshake"},
		"garbage":              {endpoint: raw("\x00\x01\x02\x03 what\r\n\r\n"), step: "login", remedy: "does not speak HTTP", found: "no head of HTTP"},
		"not OpenSearch":       {endpoint: serve(answerWith(404, "<html>")), step: "login", remedy: checkAddress},
		"not ready":            {endpoint: serve(answerWith(503, "")), step: "login", remedy: "is not ready"},
		"no _bulk":             {endpoint: serve(root(200, "<html>")), step: "test document", remedy: "is not OpenSearch's _bulk"},
		"no _bulk permission":  {endpoint: serve(root(403, "{}")), step: "test document", remedy: "indices:data/write/bulk"},
		"_bulk is throttled":   {endpoint: serve(root(429, "{}")), step: "test document", remedy: "is not ready"},
		"dead proxy":           {endpoint: secure.URL, proxy: closed, step: "proxy", remedy: "check https_proxy in the agent's environment and that the proxy runs"},
		"dead proxy, no TLS":   {endpoint: plain.URL, proxy: closed, step: "proxy", remedy: "check http_proxy in the agent's environment"},
		"CONNECT is forbidden": {endpoint: secure.URL, proxy: refusingProxy(t, 403), step: "proxy", remedy: "let the proxy allow connections to 127.0.0.1:"},
		"no credentials":       {endpoint: secure.URL, proxy: refusingProxy(t, 407), step: "proxy", remedy: "the proxy wants credentials: write https_proxy"},
		"no credentials, http": {endpoint: plain.URL, proxy: refusingProxy(t, 407), step: "proxy", remedy: "the proxy wants credentials: write http_proxy"},
		"no way on":            {endpoint: secure.URL, proxy: refusingProxy(t, 502), step: "proxy", remedy: "does not get to the endpoint"},
		"no way on, http":      {endpoint: plain.URL, proxy: refusingProxy(t, 502), step: "proxy", remedy: "does not get to the endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"http_proxy": c.proxy, "https_proxy": c.proxy}
			client := clientOf(t, Config{
				Endpoints: []string{c.endpoint}, CAFile: c.ca, Timeout: 5 * time.Second,
				Getenv: func(name string) string {
					return env[name]
				},
			})
			steps := client.Check(t.Context(), []Probe{{
				Index:  "an-index",
				ID:     "0",
				Source: []byte("{}"),
			}})
			last := steps[len(steps)-1]
			if last.OK || last.Name != c.step || !strings.Contains(last.Remedy, c.remedy) ||
				!strings.Contains(last.Found, c.found) {
				t.Errorf("the last step is %+v", last)
			}
			for _, s := range steps[:len(steps)-1] {
				if !s.OK {
					t.Errorf("there is another fault: %+v", s)
				}
			}
		})
	}
}

// Each index gets a document of its own and a step of its own: one that is refused is no reason to
// call the others bad, nor the reverse.
func TestCheckOfSeveralIndices(t *testing.T) {
	server := httptest.NewServer(root(200, answers(201, 403, 201)))
	defer server.Close()
	steps := clientOf(t, Config{Endpoints: []string{server.URL}}).Check(t.Context(), []Probe{
		{Index: "logs", ID: "0", Source: []byte("{}")}, {Index: "health", ID: "1", Source: []byte("{}")}, {Index: "jobs", ID: "2", Source: []byte("{}")},
	})
	var told []string
	for _, s := range steps[4:] {
		told = append(told, strings.Fields(s.Found)[0]+map[bool]string{
			true:  " ok",
			false: " " + s.Remedy,
		}[s.OK])
	}
	want := "logs ok|health: give the user's role crud and create_index for this index|jobs ok"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("the steps say %s", got)
	}
}

// The variable that is at fault is the one that is named.
func TestProxyVariables(t *testing.T) {
	for variable, endpoint := range map[string]string{"all_proxy": "https://h", "HTTPS_PROXY": "https://h", "http_proxy": "http://h"} {
		env := map[string]string{variable: "socks5://p:1080"}
		_, err := New(Config{Endpoints: []string{endpoint}, Getenv: func(name string) string {
			return env[name]
		}})
		if err == nil || !strings.Contains(err.Error(), "variable "+variable+" needs http://") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

// What a library says of a connection is put in words.
func TestErrorsAreInWords(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"silent": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "no whole answer in time"},
		"closed": {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 64<<10)) }, "the connection was closed before the whole answer was there"},
		"garbage": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, "what?\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}, "the answer is not what OpenSearch sends (no head of HTTP)"},
		"cut": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
		}, "the connection was c"}, // cut or closed: it depends on what comes first
	} {
		_, err := send(t, clientOf(t, Config{
			Endpoints: []string{rawServer(t, c.serve)},
			Timeout:   300 * time.Millisecond,
		}), 3)
		if err == nil || !strings.Contains(err.Error(), ": "+c.want) {
			t.Errorf("%s: %v", name, err)
		}
		for _, raw := range []string{
			"EOF", "i/o timeout", "read tcp", "fasthttp", "reset by peer",
			"broken pipe",
		} {
			if err != nil && strings.Contains(err.Error(), raw) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
