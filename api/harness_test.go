package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
)

// harness is a server on a loopback port with a fake agent behind it. Every answer that its client
// gets is checked against the OpenAPI document.
type harness struct {
	t      testing.TB
	agent  *fakeAgent
	server *Server
	url    string
	addr   string
	client *http.Client
	log    *lockedBuffer
	doc    *openapi3.T
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a server; change may alter its options.
func start(t testing.TB, change func(*Options)) *harness {
	t.Helper()
	h := &harness{t: t, agent: newFakeAgent(), log: &lockedBuffer{}}
	h.agent.access = testAccess(t)
	o := Options{
		Asker: h.agent, Access: h.access, Keys: &fakeKeys{},
		Config: func() *messages.Config {
			h.agent.mu.Lock()
			defer h.agent.mu.Unlock()
			return h.agent.config
		},
		Build:      messages.Build{Version: "1.2.3", Commit: "abc", Date: "2026-01-01T00:00:00Z"},
		InstallDir: "/opt/gusty", ExecutableSHA256: func() string {
			return strings.Repeat("ab", 32)
		}, Port: func() int { return 20140 },
		Capabilities: func() []messages.Capability {
			return []messages.Capability{{
				Name:      "cgroup",
				Available: true,
				Detail:    "/sys/fs/cgroup/gusty",
			}, {Name: "memfd", Detail: "none"}}
		},
		TLS:    testTLS(t),
		Logger: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if h.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	h.serve()
	h.client = newClient()
	h.doc = testDocument(t)
	return h
}

func (h *harness) access() *messages.Access {
	h.agent.mu.Lock()
	defer h.agent.mu.Unlock()
	return h.agent.access
}

func (h *harness) serve() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	h.url = "https://" + h.addr
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(ln) }()
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if h.client != nil {
			h.client.CloseIdleConnections()
		}
		_ = h.server.Shutdown(ctx)
		if err := <-served; err != nil {
			h.t.Errorf("Serve: %v", err)
		}
	})
}

func newClient() *http.Client {
	return &http.Client{
		Timeout: 20 * time.Second,
		// the server under test is this process
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
}

func testAccess(t testing.TB) *messages.Access {
	t.Helper()
	hash := func(pass string) messages.Secret {
		h, err := bcrypt.GenerateFromPassword([]byte(pass), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return messages.Secret(h)
	}
	return &messages.Access{Version: 1, Users: map[string]*messages.User{
		testUser: {Name: testUser, Hash: hash(testPass), Scopes: messages.AllScopes()},
		"reader": {Name: "reader", Hash: hash("read"), Scopes: []messages.Scope{messages.ScopeRead}},
		"gone":   {Name: "gone", Hash: hash("gone"), Scopes: messages.AllScopes(), Disabled: true},
	}}
}

func testTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{
		Certificate: [][]byte{der},
		PrivateKey:  key,
	}}}
}

// testDocument returns the OpenAPI document, checked.
func testDocument(t testing.TB) *openapi3.T {
	t.Helper()
	text, err := json.Marshal(document(Routes(), "1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the document is not valid: %v", err)
	}
	return doc
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// request returns a request with the administrator's credentials and, where there is a body, its
// type.
func (h *harness) request(method, path, body string) *http.Request {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, h.url+path, reader)
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	request.SetBasicAuth(testUser, testPass)
	return request
}

// do sends a request of the administrator.
func (h *harness) do(method, path, body string) answer {
	h.t.Helper()
	return h.send(h.request(method, path, body))
}

// send sends any request and holds the answer against the document.
func (h *harness) send(request *http.Request) answer {
	h.t.Helper()
	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	if len(response.Header.Get("X-Request-Id")) != 36 {
		h.t.Errorf("%s %s: X-Request-Id is %q", request.Method, request.URL,
			response.Header.Get("X-Request-Id"))
	}
	h.conform(request, response, body)
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

// conform checks an answer against the document; what the document has no route for is not checked.
func (h *harness) conform(request *http.Request, response *http.Response, body []byte) {
	h.t.Helper()
	resource, _ := h.server.table.find([]byte(request.URL.Path))
	if resource == nil || resource.route([]byte(request.Method)) == nil ||
		request.Method == http.MethodHead {
		return
	}
	path := resource.route([]byte(request.Method)).Path
	item := h.doc.Paths.Value(path)
	route := &routers.Route{
		Spec:      h.doc,
		Path:      path,
		PathItem:  item,
		Method:    request.Method,
		Operation: item.GetOperation(request.Method),
	}
	if media := response.Header.Get("Content-Type"); strings.HasPrefix(media, mediaNDJSON) ||
		media == mediaTar {
		return // the validator knows no such body; a test of its own reads it
	}
	err := openapi3filter.ValidateResponse(context.Background(),
		&openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{
				Request: request,
				Route:   route,
			},
			Status: response.StatusCode, Header: response.Header,
			Body:    io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
		})
	if err != nil {
		h.t.Errorf("%s %s: the document does not allow this answer: %v", request.Method,
			request.URL, err)
	}
}

// wantError checks an error's status, code and field.
func (a answer) wantError(t testing.TB, status int, code messages.Code, field string) {
	t.Helper()
	var body errorBody
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("status %d, body %q: %v", a.status, a.body, err)
	}
	if a.status != status || body.Code != code || body.Field != field || body.Message == "" ||
		body.Success {
		t.Errorf("got %d %s, want %d with code %s and field %q", a.status, a.body, status, code,
			field)
	}
}

func (a answer) want(t testing.TB, status int, body string) {
	t.Helper()
	if got := strings.TrimSpace(a.body); a.status != status || got != body {
		t.Errorf("got %d %s, want %d %s", a.status, got, status, body)
	}
}
