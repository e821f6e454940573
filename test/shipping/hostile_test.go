package shipping

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

const beats = 20

// No server that answers nonsense makes the agent lose a document, call one delivered, or fall
// over: it backs off and says why, and when the endpoint is a right one, all arrive, each once.
func TestServersThatAnswerNonsense(t *testing.T) {
	t.Parallel()
	good := newGoodServer(t)
	process, client := startShipping(t, beats)
	answers := map[string]func(documents []sent) string{
		"nothing":               raw(""),
		"noise":                 raw(noise(64 << 10)),
		"another protocol":      raw("\x15\x03\x01\x00\x02\x02\x28"),
		"half a head":           raw("HTTP/1.1 200 OK\r\nContent-Le"),
		"an endless head":       raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)),
		"no body":               raw("HTTP/1.1 204 No Content\r\n\r\n"),
		"only announcements":    raw(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3)),
		"an absurd length":      raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{"),
		"a negative length":     raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{"),
		"no chunk":              raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		"an absurd chunk":       raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"),
		"half a body":           raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + `{"items":[{"create":{"_i`),
		"no JSON":               body("<html>welcome</html>"),
		"another object":        body(`{"ok":true}`),
		"no list":               body(`{"items":null}`),
		"an empty list":         body(`{"items":[]}`),
		"deep JSON":             body(`{"items":[` + strings.Repeat("[", 200_000)),
		"another's document":    body(`{"items":[{"create":{"_id":"1","status":201}}]}`),
		"a status that is none": func(d []sent) string { return ok(itemsFor(d, 99)) },
		"a status as text":      func(d []sent) string { return ok(strings.ReplaceAll(itemsFor(d, 201), "201", `"201"`)) },
		"the last one first": func(d []sent) string {
			slices.Reverse(d)
			return ok(itemsFor(d, http.StatusCreated))
		},
	}
	for name, answer := range answers {
		shipTo(t, client, rawServer(t, func(conn net.Conn, documents []sent) {
			_, _ = io.WriteString(conn, answer(documents))
		}))
		o := stateBecomes(t, client, "backing off until ")
		if o.Waiting < beats || o.Shipped+o.Refused+o.Dropped != 0 || o.LastError == "" {
			t.Errorf("%s: the outbox is %+v", name, o)
		}
	}
	shipTo(t, client, good.URL)
	if o := drained(t, client, within); o.Refused+o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
	good.requireBeats(t, beats)
	requireNoFaults(t, process)
}

// A server that says "not yet" of each document by a status that is no verdict keeps them all
// waiting.
func TestItemsWithoutAVerdict(t *testing.T) {
	t.Parallel()
	good := newGoodServer(t)
	_, client := startShipping(t, beats)
	shipTo(t, client, rawServer(t, func(conn net.Conn, documents []sent) {
		_, _ = io.WriteString(conn, ok(itemsFor(documents, http.StatusEarlyHints)))
	}))
	if o := stateBecomes(t, client, "shipping, but documents for "); o.Waiting < beats || o.Shipped+
		o.Refused+o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
	shipTo(t, client, good.URL)
	drained(t, client, within)
	good.requireBeats(t, beats)
}

// slowServers take a request and hold whoever sent it: what they send is too little to be an answer
// and too much for nobody to be there.
func slowServers(t *testing.T) map[string]string {
	loris := func(text string) func(net.Conn, []sent) {
		return func(conn net.Conn, _ []sent) {
			for i := 0; ; i++ {
				if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
					return
				}
				select {
				case <-t.Context().Done():
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		}
	}
	return map[string]string{
		"no answer":        "http://" + silentServer(t),
		"a byte at a time": rawServer(t, loris("HTTP/1.1 200 OK\r\nX: y\r\n")),
		"a slow body": rawServer(t, func(conn net.Conn, documents []sent) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
			loris(" ")(conn, documents)
		}),
		"no handshake": "https://" + silentServer(t),
	}
}

// While a server holds a request, the agent serves and stops as ever, and another endpoint is taken
// at once.
func TestSlowServersHoldUpNothing(t *testing.T) {
	t.Parallel()
	good := newGoodServer(t)
	process, client := startShipping(t, beats)
	for name, url := range slowServers(t) {
		shipTo(t, client, url)
		begun := time.Now()
		for range 20 {
			if o := outboxOf(t, client); o.Waiting < beats || o.Shipped+o.Refused+o.Dropped != 0 {
				t.Errorf("%s: the outbox is %+v", name, o)
			}
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%s: 20 requests took %s", name, took)
		}
	}
	begun := time.Now()
	if code, err := process.Stop(); code != 0 || err != nil || time.Since(begun) > 20*time.Second {
		t.Errorf("it stopped after %s with %d, %v", time.Since(begun), code, err)
	}
	// else it does not say that it is ready
	client = agent.StartT(t, process.Dir, "--log-level", "info").ClientT(t)
	shipTo(t, client, good.URL)
	drained(t, client, within)
	good.requireBeats(t, beats)
}

// A slow server is given up after a minute at the latest, and the next endpoint has all documents.
func TestSlowServersAreGivenUp(t *testing.T) {
	t.Parallel()
	type pair struct {
		good   *goodServer
		client *agent.Client
	}
	pairs := map[string]pair{}
	for name, url := range slowServers(t) { // all at the same time: a minute is long
		good := newGoodServer(t)
		_, client := startShipping(t, beats)
		shipTo(t, client, url, good.URL)
		pairs[name] = pair{good, client}
	}
	for name, p := range pairs {
		if o := drained(t, p.client, 90*time.Second); o.Refused+o.Dropped != 0 {
			t.Errorf("%s: the outbox is %+v", name, o)
		}
		p.good.requireBeats(t, beats)
	}
}

func raw(text string) func([]sent) string { return func([]sent) string { return text } }

func body(text string) func([]sent) string { return raw(ok(text)) }

func ok(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

func noise(bytes int) string {
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, bytes)
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	return string(text)
}

// requireNoFaults fails the test where the agent's log tells of a fault of its own.
func requireNoFaults(t *testing.T, process *agent.Process) {
	t.Helper()
	for _, word := range []string{"panic", "goroutine ", "fault of the agent"} {
		if strings.Contains(process.Log(), word) {
			t.Errorf("the log holds %q:\n%s", word, process.Log())
		}
	}
}
