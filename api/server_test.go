package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"gusty/messages"
)

// raw sends bytes over TLS and reads the first answer.
func (h *harness) raw(text string) answer {
	h.t.Helper()
	// the server under test is this process
	conn, err := tls.Dial("tcp", h.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	// the server may answer and close before it has read all
	go func() { _, _ = io.WriteString(conn, text) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.t.Fatalf("no answer: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

func TestUnreadableRequests(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.ReadTimeout = 300 * time.Millisecond })
	h.raw("nonsense\r\n\r\n").wantError(t, 400, codeBadRequest, "")
	h.raw("GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("y", 10_000)+"\r\n\r\n").wantError(t,
		431, codeHeaderTooLarge, "")
	h.raw("POST /agent/heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").wantError(t,
		408, codeRequestTimeout, "")
	large := h.raw(head("POST", "/agent/heartbeat", testUser, testPass, "Content-Length: 1000000") +
		strings.Repeat("x", 1_000_000))
	large.wantError(t, 413, messages.CodeTooLarge, "")
	if large.header.Get("X-Request-Id") == "" || large.header.Get("Server") != "gusty" {
		t.Error(large.header)
	}
}

func TestLargeScriptsNeedCredentials(t *testing.T) {
	h := start(t, nil)
	content := b64(strings.Repeat("x", 700_000))
	if got := h.do("POST", "/agent/job", script("big", content, "@daily", "")); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	request := h.request("POST", "/agent/job", script("big2", content, "@daily", ""))
	request.SetBasicAuth(testUser, "wrong")
	h.send(request).wantError(t, 401, messages.CodeUnauthenticated, "")
	h.do("POST", "/agent/heartbeat", `{"id":"`+content+`"}`).wantError(t, 413, messages.CodeTooLarge, "")
	h.do("POST", "/agent/job",
		script("big3", b64(strings.Repeat("x", 1<<20)), "@daily", "")).wantError(t, 413,
		messages.CodeTooLarge, "")
}

func TestErrorsOfActors(t *testing.T) {
	h := start(t, nil)
	for _, c := range []struct {
		err    error
		status int
		code   messages.Code
	}{
		{messages.Busy("the scheduler"), 503, messages.CodeBusy},
		{messages.Unavailable("the scheduler"), 503, messages.CodeUnavailable},
		{messages.Errorf(messages.CodeTimeout, "late"), 504, messages.CodeTimeout},
		{messages.Errorf(messages.CodeStorageFull, "full"), 503, messages.CodeStorageFull},
		{fmt.Errorf("wrapped: %w", messages.Errorf(messages.CodeConflict, "no")), 409, messages.CodeConflict},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), 504, messages.CodeTimeout},
		{fmt.Errorf("ask: %w", context.Canceled), 503, messages.CodeUnavailable},
		{errors.New("/secret/path broke"), 500, messages.CodeInternal},
	} {
		h.agent.refuse = func(any) error { return c.err }
		got := h.do("POST", "/agent/job/run?script_name=a", "")
		got.wantError(t, c.status, c.code, "")
		if c.status == 503 && got.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
		if c.status == 500 {
			id := got.header.Get("X-Request-Id")
			if strings.Contains(got.body, "secret") || !strings.Contains(got.body, id) ||
				!strings.Contains(h.log.String(), "request_id="+id) ||
				!strings.Contains(h.log.String(), "/secret/path broke") {
				t.Errorf("%s\n%s", got.body, h.log)
			}
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	h := start(t, nil)
	h.agent.during = func(context.Context) error { panic("a bug") }
	h.do("GET", "/agent/jobs", "").wantError(t, 500, messages.CodeInternal, "")
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	if !strings.Contains(h.log.String(), "panic: a bug") {
		t.Error("the panic is not in the log")
	}
}

func TestWrongReplyIsAFault(t *testing.T) {
	h := start(t, nil)
	h.agent.replace = func(any) (any, bool) { return 7, true }
	h.do("GET", "/agent/jobs", "").wantError(t, 500, messages.CodeInternal, "")
}

func TestAskTimeout(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.AskTimeout = 20 * time.Millisecond })
	h.agent.during = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	h.do("GET", "/agent/jobs", "").wantError(t, 504, messages.CodeTimeout, "")
}

func TestShutdownWaitsAndThenGivesUp(t *testing.T) {
	h := start(t, nil)
	asked := make(chan struct{})
	h.agent.during = func(ctx context.Context) error {
		close(asked)
		<-ctx.Done()
		return ctx.Err()
	}
	got := make(chan answer, 1)
	go func() { got <- h.do("GET", "/agent/jobs", "") }()
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := h.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	last := <-got
	last.wantError(t, 503, messages.CodeUnavailable, "")
	if _, err := net.DialTimeout("tcp", h.addr, time.Second); err == nil {
		t.Error("the port is still open")
	}
	if open, _ := h.server.connections(); open != 0 {
		t.Errorf("%d connections are open", open)
	}
}

func TestClientRequestIDIsLoggedAndNotTrusted(t *testing.T) {
	h := start(t, nil)
	for sent, logged := range map[string]bool{
		"my-id_1.x":             true,
		"bad id":                false,
		strings.Repeat("x", 65): false,
	} {
		request := h.request("GET", "/agent/status", "")
		request.Header.Set("X-Request-Id", sent)
		if got := h.send(request); got.header.Get("X-Request-Id") == sent {
			t.Error("the client's id was taken")
		}
		if strings.Contains(h.log.String(), sent) != logged {
			t.Errorf("%q in the log: want %v", sent, logged)
		}
	}
}

func TestPrometheus(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/status", "")
	got := h.do("GET", "/metrics", "")
	if got.header.Get("Content-Type") != mediaPrometheus {
		t.Error(got.header)
	}
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	lag := families["gusty_scheduler_lag_seconds"].GetMetric()[0].GetHistogram()
	if lag.GetSampleCount() != 8 || lag.GetBucket()[1].GetCumulativeCount() != 7 ||
		lag.GetSampleSum() != 0.4 {
		t.Error(lag)
	}
	for _, m := range families["gusty_outbox_state"].GetMetric() {
		state := m.GetLabel()[0].GetValue()
		if (m.GetGauge().GetValue() == 1) != (state == "backing_off") {
			t.Errorf("the state %s has the value %v", state, m.GetGauge().GetValue())
		}
	}
	tries := families["gusty_outbox_next_try_timestamp_seconds"].GetMetric()
	if next := tries[0].GetGauge().GetValue(); next != 1_800_000_000 {
		t.Errorf("the next try is at %v", next)
	}
	if n := families["gusty_actor_restarts_total"].GetMetric()[0].GetCounter().GetValue(); n != 2 {
		t.Errorf("restarts: %v", n)
	}
	if !strings.Contains(got.body, `gusty_http_requests_total{method="GET",path="/agent/status",status="200"} 1`) {
		t.Error(got.body)
	}
	h.agent.refuse = func(msg any) error {
		if _, ok := msg.(messages.GetSample); ok {
			return messages.Unavailable("metric")
		}
		return nil
	}
	if got = h.do("GET", "/metrics", ""); got.status != 200 ||
		strings.Contains(got.body, "gusty_host_") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if h.server.Requests() == 0 {
		t.Error("no request was counted")
	}
}
