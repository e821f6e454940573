package contract

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// refusingCluster answers as an OpenSearch whose mapping takes no document, until it is told to
// take all.
type refusingCluster struct {
	takes atomic.Bool

	mu   sync.Mutex
	sent []string // the bodies of documents, taken or not
}

func (c *refusingCluster) note(body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, body)
}

// about returns the bodies that hold the text.
func (c *refusingCluster) about(text string) (found []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, body := range c.sent {
		if strings.Contains(body, text) {
			found = append(found, body)
		}
	}
	return found
}

func (c *refusingCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/_bulk") {
		_, _ = io.WriteString(w, `{"version":{"number":"2.19.4","distribution":"opensearch"}}`)
		return
	}
	unzipped, err := gzip.NewReader(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	outcome := `"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [pid]"}`
	if c.takes.Load() {
		outcome = `"status":201`
	}
	var items []string
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var action struct {
			Create struct {
				ID string `json:"_id"`
			} `json:"create"`
		}
		if json.Unmarshal(lines.Bytes(), &action) == nil && action.Create.ID != "" {
			items = append(items, fmt.Sprintf(`{"create":{"_id":%q,%s}}`, action.Create.ID, outcome))
			continue
		}
		c.note(lines.Text())
	}
	_, _ = fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
}

// deadLetters is the answer of GET /agent/outbox/dead.
type deadLetters struct {
	Items []deadLetter `json:"items"`
}

type deadLetter struct {
	ID       string `json:"id"`
	Status   int    `json:"status"`
	Reason   string `json:"reason"`
	Document struct {
		Heartbeat string `json:"heartbeat_id"`
	} `json:"document"`
}

// testOutbox lets an OpenSearch refuse two heartbeats, has one of them sent again and the other
// deleted.
func testOutbox(t *testing.T, s *suite) {
	cluster := &refusingCluster{}
	server := httptest.NewServer(cluster)
	defer server.Close()
	set := func(endpoint string) probe {
		body := fmt.Sprintf(`[{"propertyName":"opensearch_domain_endpoint","propertyValue":%q},{"propertyName":"log_level","propertyValue":"error"}]`, endpoint)
		return probe{method: http.MethodPut, path: "/agent/config", body: body, status: 200}
	}
	const noLetter = "01890a5d-ac96-774b-bcce-b302099a8057"
	s.run(t, []probe{
		set(server.URL),
		{method: http.MethodPost, path: "/agent/heartbeat", body: `{"id":"refused-1"}`, status: 200},
		{method: http.MethodPost, path: "/agent/heartbeat", body: `{"id":"refused-2"}`, status: 200},
		{method: http.MethodPost, path: "/agent/outbox/dead/" + noLetter + "/retry", status: 404, code: "not_found"},
		{method: http.MethodDelete, path: "/agent/outbox/dead/" + noLetter, status: 404, code: "not_found"},
		{method: http.MethodDelete, path: "/agent/outbox/dead/7", status: 404, code: "not_found"},
		{method: http.MethodGet, path: "/agent/outbox/dead?limit=0", status: 400, field: "limit"},
	})
	letters := func() (found []deadLetter) { // lines of the agent's log may be among them
		for _, l := range get[deadLetters](t, s, "/agent/outbox/dead").Items {
			if l.Document.Heartbeat != "" {
				found = append(found, l)
			}
		}
		return found
	}
	eventually(t, "both are refused", func() bool { return len(letters()) == 2 })
	newest, oldest := letters()[0], letters()[1]
	if newest.Document.Heartbeat != "refused-2" || newest.Status != 400 ||
		!strings.Contains(newest.Reason, "failed to parse field [pid]") {
		t.Errorf("the newest letter is %+v", newest)
	}
	cluster.takes.Store(true)
	s.run(t, []probe{
		{name: "retry", method: http.MethodPost, path: "/agent/outbox/dead/" + newest.ID + "/retry", status: 200},
		{name: "delete", method: http.MethodDelete, path: "/agent/outbox/dead/" + oldest.ID, status: 200},
	})
	eventually(t, "the one that was sent again arrives", func() bool {
		o := get[struct{ Waiting, Shipped int }](t, s, "/agent/outbox")
		return o.Waiting == 0 && o.Shipped >= 1 && len(letters()) == 0
	})
	s.run(t, []probe{
		{method: http.MethodPost, path: "/agent/opensearch/check", status: 200, check: checkSteps},
		set(""),
	})
}

// checkSteps expects that every step of the check of OpenSearch went well.
func checkSteps(t *testing.T, body []byte) {
	got := decode[struct {
		OK    bool `json:"ok"`
		Steps []struct {
			OK   bool   `json:"ok"`
			Step string `json:"step"`
		} `json:"steps"`
	}](t, body)
	if len(got.Steps) < 3 {
		t.Errorf("the check has %d steps: %s", len(got.Steps), body)
	}
}
