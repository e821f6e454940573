package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// suite is one agent and the document that its answers are checked against.
type suite struct {
	process  *agent.Process
	client   *agent.Client
	document *document
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	return &suite{process: process, client: client, document: loadDocument(t, client)}
}

// probe is one request and what its answer must be.
type probe struct {
	name   string
	method string
	path   string
	body   string
	header map[string]string
	status int
	code   string // of an error; empty: any
	field  string // of an error; empty: any
	exact  string // the whole body; empty: any
	check  func(t *testing.T, body []byte)
}

// run asks every probe in order.
func (s *suite) run(t *testing.T, probes []probe) {
	t.Helper()
	for _, p := range probes {
		name := p.name
		if name == "" {
			name = strings.ReplaceAll(p.method+" "+p.path, "/", "·")
		}
		t.Run(name, func(t *testing.T) { s.ask(t, p) })
	}
}

func (s *suite) ask(t *testing.T, p probe) *agent.Answer {
	t.Helper()
	answer, err := s.client.Do(t.Context(), p.method, p.path, p.body, p.header)
	if err != nil {
		t.Fatal(err)
	}
	where := p.method + " " + p.path
	s.document.allows(t, answer)
	if answer.Status != p.status {
		t.Fatalf("%s answered %d, want %d: %s", where, answer.Status, p.status, answer.Body)
	}
	if p.status >= http.StatusBadRequest && p.method != http.MethodHead {
		requireError(t, where, answer, p.code, p.field)
	}
	if p.exact != "" && strings.TrimSpace(string(answer.Body)) != p.exact {
		t.Errorf("%s answered %s, want %s", where, answer.Body, p.exact)
	}
	if p.check != nil {
		p.check(t, answer.Body)
	}
	return answer
}

// get asks for a route that must answer 200 and decodes its body.
func get[T any](t *testing.T, s *suite, path string) T {
	t.Helper()
	return decode[T](t, s.ask(t, probe{
		method: http.MethodGet,
		path:   path,
		status: http.StatusOK,
	}).Body)
}

func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return value
}

// eventually asks again and again until holds says yes, and fails the test when it did not within a
// minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// text returns s as a JSON string.
func text(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(data)
}
