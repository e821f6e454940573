package floods

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gusty/test/agent"
)

// world is an agent with a user who may read and one who may do everything.
type world struct {
	process *agent.Process
	admin   *agent.Client
	reader  agent.Credentials
	tls     *tls.Config
	run     string // one that printed much
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p := agent.StartT(t, t.TempDir())
	reader := agent.Credentials{User: "reader", Password: "reading"}
	w := &world{process: p, admin: p.ClientT(t), reader: reader}
	config, err := p.TLS()
	if err != nil {
		t.Fatal(err)
	}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	w.tls = config
	w.addReader(t)
	w.printMuch(t)
	return w
}

func (w *world) addReader(t *testing.T) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(w.reader.Password), 10)
	if err != nil {
		t.Fatal(err)
	}
	rows := fmt.Sprintf(`{"table":"user_creds","row":{"user_name":%q,"password":%q}}
{"table":"gusty_user_options","row":{"user_name":%q,"options":{"scopes":["read"]}}}`,
		w.reader.User, hash, w.reader.User)
	w.want(t, http.StatusOK, http.MethodPost, "/agent/import", rows)
	reading := &agent.Client{URL: w.process.URL, Credentials: w.reader, HTTP: w.admin.HTTP}
	_, err = reading.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/status", "")
	if err != nil {
		t.Fatal(err)
	}
}

// printMuch stores runs whose output, and whose list, is large.
func (w *world) printMuch(t *testing.T) {
	t.Helper()
	script := "head -c 700000 /dev/zero | tr '\\0' x"
	job := agent.JobBody("loud", agent.Never, script)
	w.want(t, http.StatusOK, http.MethodPost, "/agent/job", job)
	run, err := w.admin.StartJob(t.Context(), "loud")
	if err == nil {
		run, err = w.admin.AwaitEnd(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.run = run.ID
}

func (w *world) want(t *testing.T, status int, method, path, body string) []byte {
	t.Helper()
	answer, err := w.admin.Want(t.Context(), status, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (w *world) openConnections(t *testing.T) (open int) {
	t.Helper()
	metrics := w.want(t, http.StatusOK, http.MethodGet, "/metrics", "")
	for line := range strings.Lines(string(metrics)) {
		if rest, ok := strings.CutPrefix(line, "gusty_http_connections "); ok {
			if err := json.Unmarshal([]byte(strings.TrimSpace(rest)), &open); err != nil {
				t.Fatal(err)
			}
			return open
		}
	}
	t.Fatal("/metrics does not tell the connections")
	return 0
}

// client is one connection of a flood.
type client struct {
	net.Conn
	number int
	heard  *int // the status of its first answer
}

// say sends text; a connection that was closed takes no more.
func (c *client) say(text string) bool {
	_, err := io.WriteString(c.Conn, text)
	return err == nil
}

// hear reads the head of one answer, where one comes.
func (c *client) hear() { c.hearWithin(hearSoon) }

// How long an attacker waits for an answer, where none has to come and where one has to.
const (
	hearSoon   = 500 * time.Millisecond
	hearAtMost = 10 * time.Second
)

func (c *client) hearWithin(wait time.Duration) {
	_ = c.SetReadDeadline(time.Now().Add(wait))
	response, err := http.ReadResponse(bufio.NewReader(c.Conn), nil)
	if err == nil {
		*c.heard = response.StatusCode
		_ = response.Body.Close()
	}
}

// attackers are the connections of one flood.
type attackers struct {
	sent sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	heard []int
}

// open makes the flood's connections.
func (w *world) open(ctx context.Context, f flood) *attackers {
	a := &attackers{heard: make([]int, f.clients)}
	numbers := make(chan int)
	var dialers sync.WaitGroup
	for range 32 {
		dialers.Go(func() {
			for n := range numbers {
				conn, err := w.dial(ctx, f.plain)
				if err != nil {
					continue
				}
				a.mu.Lock()
				a.conns = append(a.conns, conn)
				a.mu.Unlock()
				a.sent.Go(func() { f.attack(&client{Conn: conn, number: n, heard: &a.heard[n]}) })
			}
		})
	}
	for n := range f.clients {
		numbers <- n
	}
	close(numbers)
	dialers.Wait()
	return a
}

// dial comes from an address that is not the known client's.
func (w *world) dial(ctx context.Context, plain bool) (net.Conn, error) {
	return w.dialFrom(ctx, "127.0.0.2", plain)
}

func (w *world) dialFrom(ctx context.Context, address string, plain bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", w.process.Port))
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(hearAtMost)); err != nil || plain {
		return conn, err
	}
	secure := tls.Client(conn, w.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (a *attackers) made() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.conns)
}

// statuses counts the answers that the flood has had.
func (a *attackers) statuses() map[int]int {
	counts := map[int]int{}
	for _, status := range a.heard {
		counts[status]++
	}
	return counts
}

func (a *attackers) close() {
	for _, conn := range a.conns {
		_ = conn.SetDeadline(time.Now()) // no farewell: TLS would wait for room to send it
		_ = conn.Close()
	}
}

// head is a request's line and headers, without the empty line.
func head(method, path string, who agent.Credentials, framing string) string {
	credentials := ""
	if who.User != "" {
		pair := base64.StdEncoding.EncodeToString([]byte(who.User + ":" + who.Password))
		credentials = "Authorization: Basic " + pair + "\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s%s",
		method, path, credentials, framing)
}
