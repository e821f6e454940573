package opensearch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/valyala/fasthttp"
)

// answers returns the answer of OpenSearch for items of the given statuses, whose ids are "0", "1"
// and so on.
func answers(statuses ...int) string {
	var items []string
	for i, status := range statuses {
		problem := ""
		if status >= 300 {
			problem = `,"error":{"type":"some_exception","reason":"because","caused_by":{"reason":"of that"}}`
		}
		items = append(items, fmt.Sprintf(`{"create":{"_id":"%d","status":%d%s}}`, i, status, problem))
	}
	return `{"items":[` + strings.Join(items, ",") + `]}`
}

func answerWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func clientOf(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// send sends as many documents, and returns the items that were told of.
func send(t *testing.T, c *Client, documents int) (items []Item, err error) {
	t.Helper()
	b := NewBatch()
	for i := range documents {
		b.Add("an-index", fmt.Sprint(i), fmt.Appendf(nil, `{"n":%d}`, i))
	}
	err = c.Bulk(t.Context(), b, func(_ int, item Item) { items = append(items, item) })
	return items, err
}

func TestBulkSendsWhatWasAdded(t *testing.T) {
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		unzipped, err := gzip.NewReader(r.Body)
		if err == nil {
			body, err = io.ReadAll(unzipped)
		}
		if err != nil || r.URL.Path != "/prefix/_bulk" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		if patience, err := time.ParseDuration(r.URL.Query().Get("timeout")); err != nil ||
			patience > defaultTimeout/2 {
			t.Errorf("OpenSearch waits for a shard as long as the client for it: %s",
				r.URL.RawQuery)
		}
		_, _ = io.WriteString(w, answers(201, 409))
	}))
	defer server.Close()
	c := clientOf(t, Config{
		Endpoints: []string{server.URL + "/prefix/"},
		User:      "u",
		Password:  "p:w",
		UserAgent: "test",
	})
	items, err := send(t, c, 2)
	if err != nil || len(items) != 2 || items[0].Class() != Delivered ||
		items[1].Class() != Delivered {
		t.Errorf("got %+v, %v", items, err)
	}
	want := `{"create":{"_index":"an-index","_id":"0"}}` + "\n{\"n\":0}\n" + `{"create":{"_index":"an-index","_id":"1"}}` + "\n{\"n\":1}\n"
	if string(body) != want {
		t.Errorf("sent %q", body)
	}
	if header.Get("Authorization") != "Basic dTpwOnc=" || header.Get("Content-Encoding") != "gzip" {
		t.Errorf("the head is %v", header)
	}
}

func TestTokens(t *testing.T) {
	for token, want := range map[string]string{"abc": "Bearer abc", "ApiKey xyz": "ApiKey xyz"} {
		if got := authorization(&Config{
			Token: token,
			User:  "ignored",
		}); got != "Authorization: "+want+"\r\n" {
			t.Errorf("%q gives %q", token, got)
		}
	}
	if _, err := New(Config{Endpoints: []string{"http://h"}, Token: "a\r\nb"}); err == nil {
		t.Error("a token with a line end was taken")
	}
}

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   string
		item   Class
		whole  Class
	}{
		{100, "", Later, Later},
		{200, "", Delivered, Later},
		{302, "", Later, Later},
		{400, "mapper_parsing_exception", Refused, Refused},
		{400, "", Refused, Later},
		{401, "", Denied, Denied},
		{403, "security_exception", Denied, Denied},
		{403, "cluster_block_exception", Later, Later},
		{404, "index_not_found_exception", Refused, Later},
		{409, "version_conflict_engine_exception", Delivered, Later},
		{413, "", TooLarge, TooLarge},
		{429, "cluster_block_exception", Later, Later},
		{429, "rejected_execution_exception", Later, Later},
		{500, "", Later, Later},
		{503, "unavailable_shards_exception", Later, Later},
	} {
		item, whole := Item{
			Status: c.status,
			Type:   c.kind,
		}, StatusError{Status: c.status, Type: c.kind}
		if item.Class() != c.item || whole.Class() != c.whole {
			t.Errorf("%d %s: item %d, whole %d; want %d, %d", c.status, c.kind, item.Class(),
				whole.Class(), c.item, c.whole)
		}
	}
}

// What is no answer of OpenSearch confirms nothing beyond the items that were told of in their
// order.
func TestNonsenseConfirmsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		told int
	}{
		"empty":           {"", 0},
		"no JSON":         {"<html>hello</html>", 0},
		"another object":  {`{"took":1}`, 0},
		"a list":          {`[1,2]`, 0},
		"no items":        {`{"items":[]}`, 0},
		"too few":         {answers(201, 201), 2},
		"too many":        {answers(201, 201, 201, 201), 3},
		"another's ids":   {strings.ReplaceAll(answers(201, 201, 201), `"_id":"1"`, `"_id":"7"`), 1},
		"another action":  {strings.ReplaceAll(answers(201, 201, 201), "create", "index"), 0},
		"an odd status":   {answers(201, 7, 201), 1},
		"no status":       {`{"items":[{"create":{"_id":"0"}},`, 0},
		"cut short":       {answers(201, 201, 201)[:80], 1},
		"text for status": {strings.ReplaceAll(answers(201, 201, 201), "201", `"ok"`), 0},
		"an endless item": {`{"items":[{"create":{"_id":"` + strings.Repeat("x", 2*maxItemBytes), 0},
		"an endless key":  {`{"` + strings.Repeat("x", 2*maxItemBytes), 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answerWith(200, c.body))
			defer server.Close()
			items, err := send(t, clientOf(t, Config{Endpoints: []string{server.URL}}), 3)
			if err == nil || len(items) != c.told {
				t.Errorf("%d items were told of, want %d; error %v", len(items), c.told, err)
			}
		})
	}
}

// An answer that is cut between two items is told as that, and not as one of another server.
func TestCutBetweenItems(t *testing.T) {
	first, _, _ := strings.Cut(answers(201, 201, 201), `,{"create":{"_id":"1"`)
	server := httptest.NewServer(answerWith(200, first))
	defer server.Close()
	items, err := send(t, clientOf(t, Config{Endpoints: []string{server.URL}}), 3)
	if len(items) != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("%d items were told of, error %v", len(items), err)
	}
}

// A status that has no body, and one that only announces another, are answers like any other.
func TestAnswersWithoutABody(t *testing.T) {
	for _, head := range []string{
		"204 No Content", "304 Not Modified", "101 Switching Protocols",
		"100 Continue\r\n\r\nHTTP/1.1 100 Continue",
	} {
		server := rawServer(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, "HTTP/1.1 "+head+"\r\n\r\n")
		})
		c := clientOf(t, Config{Endpoints: []string{server}})
		_, err := send(t, c, 1)
		if status, ok := errors.AsType[*StatusError](err); !ok || status.Class() != Later {
			t.Errorf("%s: got %v", head, err)
		}
		if status, body, err := c.Do(t.Context(), "GET", "/", nil); status == 0 || len(body) > 0 ||
			err != nil {
			t.Errorf("%s: got %d, %q, %v", head, status, body, err)
		}
	}
}

// Errors are one short line whatever the server sends, and hold no credentials, which a server may
// show as it got them.
func TestErrorsAreShortAndHoldNoSecrets(t *testing.T) {
	long := strings.Repeat("x\x1b", 30_000)
	for name, answer := range map[string]string{
		"a long first line": strings.ReplaceAll(long, "x", "HTTP"),
		"a long header":     "HTTP/1.1 200 OK\r\nX: " + long,
		"a long string":     "HTTP/1.1 200 OK\r\nContent-Length: 60002\r\n\r\n\"" + strings.Repeat("x", 60_000) + "\"",
		"a long number":     "HTTP/1.1 200 OK\r\nContent-Length: 60035\r\n\r\n" + `{"items":[{"create":{"_id":` + strings.Repeat("1", 60_000) + "}}]}]",
		"what it was sent":  "",
	} {
		server := rawServer(t, func(conn net.Conn) {
			head := make([]byte, 64<<10)
			n, _ := conn.Read(head)
			if answer == "" {
				answer = fmt.Sprintf("HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n%s", n,
					head[:n])
			}
			_, _ = io.WriteString(conn, answer)
		})
		for _, config := range []Config{{
			User:     "someone",
			Password: "pass-word",
		}, {Token: "some-token"}, {Token: "ApiKey some-token"}} {
			config.Endpoints = []string{server}
			_, err := send(t, clientOf(t, config), 1)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			text := err.Error()
			if len(text) > 2*maxReason || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%s: the error has %d bytes: %.200q", name, len(text), text)
			}
			for _, secret := range []string{"pass-word", "some-token", "c29tZW9uZTpwYXNzLXdvcmQ="} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: the error is %q", name, text)
				}
			}
			answer = map[bool]string{true: "", false: answer}[name == "what it was sent"]
		}
	}
}

// What a server sends behind an answer is not taken for the answer to the next request.
func TestMoreThanOneAnswer(t *testing.T) {
	one := func(status int) string {
		body := answers(status)
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	server := rawServer(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 64<<10))
		_, _ = io.WriteString(conn, one(429)+one(201))
		_, _ = io.Copy(io.Discard, conn)
	})
	c := clientOf(t, Config{Endpoints: []string{server}})
	for range 2 {
		if items, err := send(t, c, 1); err != nil || items[0].Status != 429 {
			t.Errorf("got %+v, %v", items, err)
		}
	}
}

func TestStatusOfTheWhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"type":"circuit_breaking_exception","reason":"Data too large"},"status":429}`)
	}))
	defer server.Close()
	_, err := send(t, clientOf(t, Config{Endpoints: []string{server.URL}}), 1)
	status, ok := errors.AsType[*StatusError](err)
	if !ok || status.RetryAfter != 7*time.Second || status.Type != typePressure ||
		!strings.Contains(err.Error(), "Data too large") {
		t.Errorf("got %#v: %v", status, err)
	}
}

// Retry-After is read in each form that HTTP knows, and however long; 0 stands for one that says
// nothing.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "0": 0, "1.5": 0, "7": 7 * time.Second, "7200": 2 * time.Hour,
		"99999999999":                       9_223_372_036 * time.Second, // all that a Duration holds
		"99999999999999999999999999":        9_223_372_036 * time.Second,
		"Wed, 04 Mar 2026 05:06:37 GMT":     30 * time.Second,
		"Wednesday, 04-Mar-26 05:06:37 GMT": 30 * time.Second,
		"Wed Mar  4 05:06:37 2026":          30 * time.Second,
		"Wed, 04 Mar 2026 05:06:00 GMT":     0,
	} {
		var response fasthttp.Response
		response.Header.Set("Retry-After", value)
		if got := retryAfter(&response, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}

// Where single documents are not taken now, the answer's Retry-After is theirs.
func TestRetryAfterOfItems(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		answerWith(http.StatusOK, answers(201, 429, 503, 400))(w, r)
	}))
	defer server.Close()
	items, err := send(t, clientOf(t, Config{Endpoints: []string{server.URL}}), 4)
	if err != nil || len(items) != 4 {
		t.Fatalf("got %v: %v", items, err)
	}
	for i, want := range []time.Duration{0, 7 * time.Second, 7 * time.Second, 0} {
		if items[i].RetryAfter != want {
			t.Errorf("item %d is to be tried again after %s, want %s", i, items[i].RetryAfter, want)
		}
	}
}

// A server that refuses a body before it has all of it closes the connection; its answer counts all
// the same.
func TestTooLargeForTheServer(t *testing.T) {
	server := rawServer(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1024))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: "+
			"0\r\nConnection: close\r\n\r\n")
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	})
	_, err := send(t, clientOf(t, Config{Endpoints: []string{server}}), 1000)
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Class() != TooLarge {
		t.Errorf("got %v", err)
	}
}

// rawServer serves each connection by serve, and closes it after.
func rawServer(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// A server that sends a byte now and then holds nobody longer than the time-out.
func TestSlowServer(t *testing.T) {
	done := make(chan struct{})
	server := rawServer(t, func(conn net.Conn) {
		for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" +
			strings.Repeat(" ", 1000)) {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
		}
	})
	defer close(done)
	begun := time.Now()
	_, err := send(t, clientOf(t, Config{
		Endpoints: []string{server},
		Timeout:   300 * time.Millisecond,
	}), 1)
	if !isTimeout(err) || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
}

// A check of endpoints that never answer takes no longer than that of one.
func TestCheckOfSilentServers(t *testing.T) {
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	const patience = 300 * time.Millisecond
	c := clientOf(t, Config{
		Timeout: patience,
		Endpoints: []string{
			rawServer(t, silent), rawServer(t, silent), rawServer(t, silent),
			rawServer(t, silent),
		},
	})
	begun := time.Now()
	steps := c.Check(t.Context(), nil)
	if took := time.Since(begun); took > 3*patience {
		t.Errorf("it took %s", took)
	}
	faults := 0
	for i, s := range steps {
		if !s.OK {
			faults++
		}
		if s.Name == "login" &&
			(s.OK || !strings.HasPrefix(s.Found, c.all[i/4].name+": no whole answer in time")) {
			t.Errorf("step %d is %+v", i, s)
		}
	}
	if faults != 4 || len(steps) != 16 {
		t.Errorf("the steps are %+v", steps)
	}
}

func TestContextEndsAnExchange(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := rawServer(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1024))
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, _, err := clientOf(t, Config{Endpoints: []string{server}}).Do(ctx, "GET", "/",
		nil); err == nil {
		t.Error("no error")
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(answerWith(200, answers(201)))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := clientOf(t, Config{Endpoints: []string{server.URL}})
	for range 5 {
		if _, err := send(t, c, 1); err != nil {
			t.Fatal(err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections were opened", opened.Load())
	}
	server.CloseClientConnections() // as a server that has had enough of an idle one
	if _, err := send(t, c, 1); err != nil || opened.Load() != 2 {
		t.Errorf("after a kept connection was closed: %v, %d opened", err, opened.Load())
	}
}

func TestFailover(t *testing.T) {
	var asked atomic.Int64
	unready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer unready.Close()
	good := httptest.NewServer(answerWith(200, answers(201)))
	defer good.Close()
	c := clientOf(t, Config{Endpoints: []string{"http://" + closedAddress(t), unready.URL, good.URL}})
	for range 3 {
		if _, err := send(t, c, 1); err != nil {
			t.Fatal(err)
		}
	}
	if c.Endpoint() != good.URL || asked.Load() != 1 {
		t.Errorf("it stays with %s; the one that is not ready was asked %d times", c.Endpoint(),
			asked.Load())
	}
}

// An endpoint that answers, but nothing of use, does not keep the others from being asked.
func TestFailoverFromNonsense(t *testing.T) {
	for name, bad := range map[string]struct {
		status int
		body   string
		tries  int // until the good one has it
	}{
		"a page":        {200, "<html>welcome</html>", 1},
		"half":          {200, answers(201)[:20], 1},
		"a fault":       {500, "oops", 2},
		"too much":      {429, "", 2},
		"another place": {404, "not found", 2},
	} {
		t.Run(name, func(t *testing.T) {
			odd := httptest.NewServer(answerWith(bad.status, bad.body))
			defer odd.Close()
			good := httptest.NewServer(answerWith(200, answers(201)))
			defer good.Close()
			c := clientOf(t, Config{Endpoints: []string{odd.URL, good.URL}})
			for try := 1; ; try++ {
				if _, err := send(t, c, 1); err == nil && try == bad.tries {
					break
				} else if try >= bad.tries {
					t.Fatalf("after %d tries: %v", try, err)
				}
			}
			if c.Endpoint() != good.URL {
				t.Errorf("it stays with %s", c.Endpoint())
			}
		})
	}
}

// A request that fails at one endpoint goes on to the other, also where a request beside it has
// found that one first.
func TestFailoverOfTwoAtOnce(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	unready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if asked.Add(1) == 1 {
			close(held)
			<-release
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer unready.Close()
	good := httptest.NewServer(answerWith(200, answers(201)))
	defer good.Close()
	c := clientOf(t, Config{Endpoints: []string{unready.URL, good.URL}})
	first := make(chan error, 1)
	go func() {
		_, err := send(t, c, 1)
		first <- err
	}()
	<-held
	_, second := send(t, c, 1)
	close(release)
	if err := errors.Join(<-first, second); err != nil || asked.Load() != 2 {
		t.Errorf("%v; the one that is not ready was asked %d times", err, asked.Load())
	}
}

// Whom an endpoint refuses, all do: the one that refused is the one to be named.
func TestNoFailoverFromRefusal(t *testing.T) {
	refusing := httptest.NewServer(answerWith(401, "no"))
	defer refusing.Close()
	c := clientOf(t, Config{Endpoints: []string{refusing.URL, "http://127.0.0.1:9"}})
	if _, err := send(t, c, 1); err == nil || c.Endpoint() != refusing.URL {
		t.Errorf("got %v, it goes on with %s", err, c.Endpoint())
	}
}

func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestTrust(t *testing.T) {
	server := httptest.NewUnstartedServer(answerWith(200, answers(201)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	server.StartTLS()
	defer server.Close()
	der := server.Certificate().Raw
	sum := sha256.Sum256(der)
	pin := hex.EncodeToString(sum[:])
	other := strings.Repeat("ab", sha256.Size)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{
		Type:  "CERTIFICATE",
		Bytes: der,
	}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ca, pin string
		good    bool
	}{
		"the system's":    {"", "", false},
		"a CA":            {ca, "", true},
		"a pin":           {"", pin, true},
		"both":            {ca, pin, true},
		"another pin":     {"", other, false},
		"a CA, wrong pin": {ca, other, false},
		"no such CA":      {ca + "x", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := send(t, clientOf(t, Config{
				Endpoints:   []string{server.URL},
				CAFile:      c.ca,
				Fingerprint: c.pin,
			}), 1)
			if (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

// countingProxy passes on requests of both forms, and counts them.
type countingProxy struct{ tunnels, absolute atomic.Int64 }

func (p *countingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Proxy-Authorization") != "Basic bWU6aXQ=" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.absolute.Add(1)
		r.RequestURI = ""
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		_, _ = io.Copy(w, response.Body)
		return
	}
	p.tunnels.Add(1)
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go func() { _, _ = io.Copy(there, read) }() // its first byte may have been read by then
	_, _ = io.Copy(here, there)
}

func TestProxy(t *testing.T) {
	plain := httptest.NewServer(answerWith(200, answers(201)))
	defer plain.Close()
	secure := httptest.NewTLSServer(answerWith(200, answers(201)))
	defer secure.Close()
	counts := &countingProxy{}
	front := httptest.NewServer(counts)
	defer front.Close()
	env := map[string]string{"http_proxy": strings.Replace(front.URL, "//", "//me:it@", 1)}
	env["HTTPS_PROXY"] = env["http_proxy"]
	getenv := func(name string) string { return env[name] }
	sum := sha256.Sum256(secure.Certificate().Raw)
	for _, address := range []string{plain.URL, secure.URL} {
		c := clientOf(t, Config{
			Endpoints:   []string{address},
			Getenv:      getenv,
			Fingerprint: hex.EncodeToString(sum[:]),
		})
		if _, err := send(t, c, 1); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if counts.absolute.Load() != 1 || counts.tunnels.Load() != 1 {
		t.Errorf("the proxy saw %d plain requests and %d tunnels", counts.absolute.Load(),
			counts.tunnels.Load())
	}
	env["no_proxy"] = "example.org, 127.0.0.0/8"
	if _, err := send(t, clientOf(t, Config{
		Endpoints: []string{plain.URL},
		Getenv:    getenv,
	}), 1); err != nil || counts.absolute.Load() != 1 {
		t.Errorf("no_proxy: %v, %d", err, counts.absolute.Load())
	}
}

func TestDo(t *testing.T) {
	server := httptest.NewServer(answerWith(404, `{"error":{"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}`))
	defer server.Close()
	status, body, err := clientOf(t, Config{Endpoints: []string{server.URL}}).Do(t.Context(), "GET",
		"/x", nil)
	kind, reason := Explain(body)
	if status != 404 || err != nil || kind != "index_not_found_exception" ||
		reason != "index_not_found_exception: no such index [x]" {
		t.Errorf("got %d %q %q %v", status, kind, reason, err)
	}
	if _, reason := Explain([]byte(`{"error":{"type":"a","reason":"two\nlines \u001b[31m"}}`)); reason != "a: two lines [31m" {
		t.Errorf("got %q", reason)
	}
	if _, reason := Explain([]byte("<html>\n\x1b[31mno</html>")); reason != "<html> [31mno</html>" {
		t.Errorf("got %q", reason)
	}
}

func FuzzReadItems(f *testing.F) {
	f.Add([]byte(answers(201, 400)))
	f.Add([]byte(`{"took":3,"errors":true,"items":[{"create":{"_id":"0","status":429,"error":{"reason":"x"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		next := 0
		err := readItems(bytes.NewReader(data), []string{"0", "1"}, func(i int, item Item) {
			if i != next || item.Status < 100 || len(item.Reason) > maxReason+8 {
				t.Errorf("item %d: %+v", i, item)
			}
			next++
		})
		if err == nil && next != 2 {
			t.Errorf("%d items and no error", next)
		}
	})
}
