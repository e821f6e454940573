package api

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// rawConn is a client that sends what it likes.
type rawConn struct {
	*tls.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (h *harness) dial(t *testing.T) *rawConn {
	t.Helper()
	trusting := &tls.Config{InsecureSkipVerify: true} // the server under test is this process
	conn, err := tls.Dial("tcp", h.addr, trusting)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &rawConn{Conn: conn, t: t, reader: bufio.NewReader(conn)}
}

func (c *rawConn) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawConn) hear() answer {
	c.t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.Close { // the client's library takes the header away
		response.Header.Set("Connection", "close")
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

// head is a request line and headers; framing names the body's length, or ends in an empty line by
// itself.
func head(method, path, user, pass, framing string) string {
	credentials := ""
	if user != "" {
		credentials = "Authorization: Basic " + b64(user+":"+pass) + "\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", method,
		path) +
		credentials + framing + "\r\n\r\n"
}

const (
	chunked = "Transfer-Encoding: chunked"
	large   = "Content-Length: 70000"
)

func TestRefusalsComeBeforeTheBody(t *testing.T) {
	h := start(t, nil)
	const noOne, forbidden = messages.CodeUnauthenticated, messages.CodeForbidden
	const over = messages.CodeTooLarge
	const wrong, asking = "wrong", "Expect: 100-continue\r\nContent-Length: 9"
	for _, c := range []struct {
		name                              string
		method, path, user, pass, framing string
		status                            int
		code                              messages.Code
	}{
		{"no credentials", "POST", "/agent/command/execute", "", "", large, 401, noOne},
		{"wrong password", "POST", "/agent/command/execute", testUser, wrong, large, 401, noOne},
		{"unknown user", "POST", "/agent/command/execute", "nobody", wrong, large, 401, noOne},
		{"chunked", "POST", "/agent/command/execute", testUser, wrong, chunked, 401, noOne},
		{"asks first", "POST", "/agent/job", "a", wrong, asking, 401, noOne},
		{"import", "POST", "/agent/import", "reader", "read", large, 403, forbidden},
		{"script", "POST", "/agent/job/execute", "reader", "read", large, 403, forbidden},
		{"chunks", "PUT", "/agent/config", "reader", "read", chunked, 403, forbidden},
		{"too large", "POST", "/agent/heartbeat", testUser, testPass, large, 413, over},
		{
			"a script too large", "POST", "/agent/job", testUser, testPass,
			"Content-Length: 1048577", 413, over,
		},
		{
			"an import too large", "POST", "/agent/import", testUser, testPass,
			"Content-Length: 16777217", 413, over,
		},
		{
			"a stranger's", "GET", "/agent/health/live", "", "", "Content-Length: 4097",
			413, over,
		},
		{"no such route", "POST", "/agent/none", "", "", large, 404, messages.CodeNoSuchRoute},
		{
			"no such method", "PATCH", "/agent/job", "", "", chunked,
			405, messages.CodeMethodNotAllowed,
		},
		{
			"a query that is none", "POST", "/agent/import?dry_run=7", testUser, testPass, large,
			400, messages.CodeBadQuery,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := h.dial(t)
			conn.say(head(c.method, c.path, c.user, c.pass, c.framing))
			got := conn.hear()
			closes := got.header.Get("Connection") == "close"
			if got.status != c.status || !strings.Contains(got.body, string(c.code)) || !closes {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
			if n, err := conn.reader.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("the connection goes on: %d %v", n, err)
			}
		})
	}
	if held, importing := h.server.bodies.held(); held != 0 || importing {
		t.Errorf("%d bytes are held", held)
	}
}

func TestSmallBodiesOfRefusedRequestsAreRead(t *testing.T) {
	h := start(t, nil)
	conn := h.dial(t)
	body := strings.Repeat("x", 4096)
	for _, path := range []string{"/agent/command/execute", "/agent/none", "/agent/import"} {
		conn.say(head("POST", path, testUser, "wrong", "Content-Length: 4096") + body)
		if got := conn.hear(); got.status/100 != 4 || got.header.Get("Connection") == "close" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
	conn.say(head("GET", "/agent/status", testUser, testPass, "Content-Length: 3") + "abc")
	conn.hear().want(t, 200, `"Running"`)
}

// TestOnlyWhoAsksGetsAnInterimAnswer reads the bytes as they come: an interim answer that nobody
// asked for would be the first of them.
func TestOnlyWhoAsksGetsAnInterimAnswer(t *testing.T) {
	h := start(t, nil)
	conn := h.dial(t)
	first := func() string {
		t.Helper()
		line, err := conn.reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
	for _, expect := range []string{"100-continue\r\n", "100-Continue\r\nX-Gusty-Unasked: 1\r\n"} {
		framing := "Expect: " + expect + "Content-Length: 10"
		conn.say(head("POST", "/agent/heartbeat", testUser, testPass, framing))
		if got := first(); got != "HTTP/1.1 100 Continue" {
			t.Fatal(got)
		}
		if got := first(); got != "" {
			t.Fatal(got)
		}
		conn.say(`{"id":"1"}`)
		if got := conn.hear(); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	const body = `{"id":"1"}`
	for framing, body := range map[string]string{
		"Content-Length: 10": body, chunked: "a\r\n" + body + "\r\n0\r\n\r\n",
	} {
		conn.say(head("POST", "/agent/heartbeat", testUser, testPass, framing) + body)
		if got := first(); got != "HTTP/1.1 200 OK" {
			t.Fatal(got)
		}
		for first() != "" {
		}
		if got := first(); !strings.Contains(got, `"success":true`) {
			t.Error(got)
		}
	}
}

// await waits for a condition that another goroutine brings about.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestBodiesShareABudget(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.BodiesInAll = 200_000 })
	holding := func(bytes int) func() bool {
		return func() bool { held, _ := h.server.bodies.held(); return held == bytes }
	}
	unfinished := head("POST", "/agent/job/execute", testUser, testPass, "Content-Length: 90000")
	first, second := h.dial(t), h.dial(t)
	first.say(unfinished)
	second.say(unfinished)
	await(t, "the bodies are not counted", holding(180_000))
	busy := h.dial(t)
	busy.say(unfinished)
	got := busy.hear()
	got.wantError(t, 503, messages.CodeBusy, "")
	if got.header.Get("Retry-After") == "" || got.header.Get("Connection") != "close" {
		t.Error(got.header)
	}
	h.do("POST", "/agent/heartbeat", `{"id":"1"}`).want(t, 200, `{"success":true,"message":"1"}`)
	_ = first.Close()
	await(t, "a client that has left still holds room", holding(90_000))
	second.say(`{"content":"` + strings.Repeat("x", 90_000-14) + `"}`)
	second.hear()
	await(t, "an answered request still holds room", holding(0))
	chunks := h.dial(t)
	chunks.say(head("POST", "/agent/heartbeat", testUser, testPass, chunked) + "1\r\n{")
	await(t, "a body of unknown length is not counted as the largest", holding(64<<10))
	chunks.say("\r\nfffff\r\n")
	chunks.hear().wantError(t, 413, messages.CodeTooLarge, "")
	await(t, "a broken request still holds room", holding(0))
}

func TestStrangersHaveAShare(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.BodiesInAll = 40_000 })
	for range 2 {
		h.dial(t).say(head("GET", "/agent/health/live", "", "", "Content-Length: 4096"))
	}
	await(t, "strangers' bodies are not counted", func() bool {
		held, _ := h.server.bodies.held()
		return held == 8192
	})
	more := h.dial(t)
	more.say(head("GET", "/agent/health/live", "", "", "Content-Length: 4096"))
	more.hear().wantError(t, 503, messages.CodeBusy, "")
	h.do("POST", "/agent/heartbeat", `{"id":"`+strings.Repeat("x", 200)+`"}`)
	if got := h.do("GET", "/agent/health/live", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestOneImportIsReadAtATime(t *testing.T) {
	h := start(t, nil)
	importing := func(want bool) func() bool {
		return func() bool { held, now := h.server.bodies.held(); return now == want && held == 0 }
	}
	one := h.dial(t)
	one.say(head("POST", "/agent/import", testUser, testPass, "Content-Length: 16777216"))
	await(t, "the import has no place", importing(true))
	for _, framing := range []string{"Content-Length: 16777216", chunked} {
		another := h.dial(t)
		another.say(head("POST", "/agent/import", testUser, testPass, framing))
		another.hear().wantError(t, 503, messages.CodeBusy, "")
	}
	_ = one.Close()
	await(t, "the place is not free again", importing(false))
}

// TestAnswersShareABudget holds large answers back by not reading them.
func TestAnswersShareABudget(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.AnswersInAll = 1000 })
	h.do("GET", "/agent/openapi.json", "").wantError(t, 503, messages.CodeBusy, "")
	h.server.answers.overdraw(1001)
	h.do("PUT", "/agent/jobs/stop", "").wantError(t, 503, messages.CodeBusy, "")
	if h.agent.last() != nil {
		t.Errorf("%T was asked after all", h.agent.last())
	}
	h.server.answers.take(-1001, false)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	h.server.answers.mu.Lock()
	h.server.answers.most = 1 << 20
	h.server.answers.mu.Unlock()
	if got := h.do("GET", "/agent/openapi.json", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	await(t, "an answer that was taken holds room", func() bool {
		held, _ := h.server.answers.held()
		return held == 0
	})
}

// TestKnownUsersPayForNoStranger floods the address of a user who is known, under its own name,
// until every throttle is empty.
func TestKnownUsersPayForNoStranger(t *testing.T) {
	h := start(t, func(o *Options) {
		hour := Rate{Burst: 8, Refill: time.Hour}
		o.Limits.FailuresPerUser, o.Limits.FailuresPerAddress = hour, hour
		o.Limits.FailuresInAll = hour
		o.Limits.CredentialTTL = time.Nanosecond // it has run out at each request
	})
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	conn := h.dial(t)
	var last answer
	for i := range 12 {
		conn.say(head("GET", "/agent/status", testUser, fmt.Sprint(i), "X: y"))
		last = conn.hear()
	}
	last.wantError(t, 429, messages.CodeThrottled, "")
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	conn.say(head("GET", "/agent/status", "reader", "read", "X: y"))
	got := conn.hear()
	got.wantError(t, 429, messages.CodeThrottled, "")
	if got.body != last.body {
		t.Errorf("the right password is answered %s, a wrong one %s", got.body, last.body)
	}
}

func TestGuessesAreLoggedAndCountedByAddress(t *testing.T) {
	h := start(t, func(o *Options) {
		o.Limits.FailuresPerAddress = Rate{Burst: 5, Refill: time.Hour}
	})
	for i := range 40 {
		conn := h.dial(t)
		conn.say(head("POST", "/agent/command/execute", fmt.Sprintf("user%d", i), "x", large))
		want, code := 401, messages.CodeUnauthenticated
		if i >= 5 {
			want, code = 429, messages.CodeThrottled
		}
		conn.hear().wantError(t, want, code, "")
	}
	await(t, "the log does not count the guesses", func() bool {
		return strings.Contains(h.log.String(), "refused for their credentials")
	})
	log := h.log.String()
	if !strings.Contains(log, "user=user0") || strings.Count(log, "level=WARN") > 20 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestTwoAuthorizationHeadersAreNone(t *testing.T) {
	h := start(t, nil)
	conn := h.dial(t)
	second := "Authorization: Basic " + b64("reader:read")
	conn.say(head("GET", "/agent/status", testUser, testPass, second))
	conn.hear().wantError(t, 401, messages.CodeUnauthenticated, "")
}

func TestAnImportWithoutALengthMayBeLarge(t *testing.T) {
	h := start(t, nil)
	conn := h.dial(t)
	exporting(h.agent)
	body := strings.Repeat(userLine, 2<<20/len(userLine))
	conn.say(head("POST", "/agent/import?dry_run=true", testUser, testPass, chunked))
	for rest := body; rest != ""; {
		n := min(len(rest), 10_000)
		conn.say(fmt.Sprintf("%x\r\n%s\r\n", n, rest[:n]))
		rest = rest[n:]
	}
	conn.say("0\r\n\r\n")
	if got := conn.hear(); got.status != 200 {
		t.Errorf("%d %.300s", got.status, got.body)
	}
}
