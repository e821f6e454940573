package shipping

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sent is one document of a bulk request.
type sent struct {
	id   string
	beat string // heartbeat_id; empty: another document
}

// readBulk reads a bulk request.
func readBulk(r *http.Request) (documents []sent, err error) {
	unzipped, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(unzipped)
	for {
		var action struct {
			Create struct {
				ID string `json:"_id"`
			} `json:"create"`
		}
		var source struct {
			Beat string `json:"heartbeat_id"`
		}
		if err := d.Decode(&action); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		if err := d.Decode(&source); err != nil {
			return nil, err
		}
		documents = append(documents, sent{action.Create.ID, source.Beat})
	}
}

// itemsFor returns an answer that has the documents' ids, in their order, with a status.
func itemsFor(documents []sent, status int) string {
	items := make([]string, len(documents))
	for i, d := range documents {
		items[i] = fmt.Sprintf(`{"create":{"_id":%q,"status":%d}}`, d.id, status)
	}
	return `{"items":[` + strings.Join(items, ",") + `]}`
}

// goodServer takes all documents, and remembers which.
type goodServer struct {
	*httptest.Server
	mu    sync.Mutex
	beats map[string][]string // by heartbeat_id: the ids under which it came
}

func newGoodServer(t *testing.T) *goodServer {
	g := &goodServer{beats: map[string][]string{}}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *goodServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	documents, err := readBulk(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range documents {
		if d.beat != "" && !slices.Contains(g.beats[d.beat], d.id) {
			g.beats[d.beat] = append(g.beats[d.beat], d.id)
		}
	}
	_, _ = io.WriteString(w, itemsFor(documents, http.StatusCreated))
}

// requireBeats fails the test where not each heartbeat came under one id.
func (g *goodServer) requireBeats(t *testing.T, n int) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range n {
		if ids := g.beats[fmt.Sprint(i)]; len(ids) != 1 {
			t.Errorf("heartbeat %d came under the ids %v", i, ids)
		}
	}
	if len(g.beats) != n {
		t.Errorf("%d heartbeats came, not %d", len(g.beats), n)
	}
}

// rawServer reads each bulk request, and lets serve answer it as it likes; then it closes the
// connection.
func rawServer(t *testing.T, serve func(conn net.Conn, documents []sent)) (url string) {
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
				request, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				if documents, err := readBulk(request); err == nil {
					serve(conn, documents)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// silentServer takes connections and says nothing.
func silentServer(t *testing.T) (address string) {
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
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return listener.Addr().String()
}
