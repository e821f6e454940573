package opensearch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// TestPlainNode asks one node for all the answers that it gives without a setting of its own. Each
// part has an agent and indices of its own.
func TestPlainNode(t *testing.T) {
	n := node.StartT(t, node.Options{})
	for _, part := range []struct {
		name string
		test func(*testing.T, *node.Node)
	}{
		{"poison", testPoison},
		{"block", testBlock},
		{"data stream", testDataStream},
		{"no automatic index", testNoIndex},
		{"other servers first", testOtherServers},
		{"full outbox", testFullOutbox},
		{"killed agent", testKilledAgent},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, n) })
	}
}

// startShipping starts an agent that ships to the endpoint, with a health index of its own. Beside
// what a test sends, the one line of the agent's log that says that it is ready may be shipped.
func startShipping(t *testing.T, endpoint, index string) (*agent.Process, *agent.Client) {
	t.Helper()
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	configure(t, client, "opensearch_domain_endpoint", endpoint,
		"opensearch_health_discovery_log_index", index,
		"opensearch_application_log_index", index+"-logs", "heartbeat_interval_seconds", "86400",
		"log_level", "error")
	return process, client
}

// testPoison has 1 in 100 documents refused by a mapping: they are dead letters with the reason,
// all others arrive, and when the mapping is mended they arrive too.
func testPoison(t *testing.T, n *node.Node) {
	const index = "poisoned"
	mapping := `{"mappings":{"properties":{"heartbeat_id":{"type":"integer"}}}}`
	n.DoT(t, http.MethodPut, "/"+index, mapping)
	_, client := startShipping(t, n.URL, index)
	for i := range 300 {
		id := fmt.Sprint(i)
		if i%100 == 50 {
			id = fmt.Sprintf("poison-%d", i)
		}
		beat(t, client, id)
	}
	if o := drained(t, client); o.Shipped < 297 || o.Refused != 3 || o.Dead != 3 {
		t.Errorf("the outbox is %+v", o)
	}
	var page struct {
		Items []struct {
			ID     string `json:"id"`
			Reason string `json:"reason"`
			Status int    `json:"status"`
		} `json:"items"`
	}
	if err := json.Unmarshal(wantT(t, client, http.MethodGet, "/agent/outbox/dead", ""),
		&page); err != nil {
		t.Fatal(err)
	}
	n.DoT(t, http.MethodDelete, "/"+index, "")
	for _, letter := range page.Items {
		if letter.Status != 400 || !strings.Contains(letter.Reason, "failed to parse field "+
			"[heartbeat_id] of type [integer]") {
			t.Errorf("the letter is %+v", letter)
		}
		wantT(t, client, http.MethodPost, "/agent/outbox/dead/"+letter.ID+"/retry", "")
	}
	if o := drained(t, client); o.Shipped < 300 || o.Dead != 0 {
		t.Errorf("after the mapping was mended the outbox is %+v", o)
	}
	if got := beats(t, n, index); len(got) != 3 {
		t.Errorf("the new index holds %v", got)
	}
}

// testBlock blocks one index in both ways: its documents wait, those of another arrive, and when
// the block is lifted nothing is missing.
func testBlock(t *testing.T, n *node.Node) {
	for _, block := range []string{"write", "read_only_allow_delete"} { // answered 403 and 429
		index := "blocked-" + strings.ReplaceAll(block, "_", "-")
		set := func(value string) {
			n.DoT(t, http.MethodPut, "/"+index+"/_settings", fmt.Sprintf(`{"index.blocks.%s":%s}`, block, value))
		}
		n.DoT(t, http.MethodPut, "/"+index, "")
		set("true")
		_, client := startShipping(t, n.URL, index)
		storeJob(t, client, "other", "echo hello", index+"-other", nil)
		for i := range 50 {
			beat(t, client, fmt.Sprint(i))
		}
		stateBecomes(t, client, "documents for "+index+" wait")
		id := runJob(t, client, "other")
		eventually(t, "a document for another index arrives", func() error {
			if got := documents(t, n, index+"-other", ofRun(id)); len(got) != 1 {
				return fmt.Errorf("%d documents: %+v", len(got), outboxOf(t, client))
			}
			return nil
		})
		set("null")
		if o := drained(t, client); o.Refused+o.Dropped != 0 || len(beats(t, n, index)) != 50 {
			t.Errorf("%s: %d arrived, the outbox is %+v", block, len(beats(t, n, index)), o)
		}
		stateBecomes(t, client, "shipping")
	}
}

func testDataStream(t *testing.T, n *node.Node) {
	n.DoT(t, http.MethodPut, "/_index_template/streams",
		`{"index_patterns":["stream-*"],"data_stream":{"timestamp_field":{"name":"timestamp"}},"priority":300}`)
	_, client := startShipping(t, n.URL, "stream-health")
	beat(t, client, "one")
	drained(t, client)
	n.DoT(t, http.MethodPost, "/stream-health/_rollover", "")
	beat(t, client, "two")
	drained(t, client)
	if got := beats(t, n, "stream-health"); got["one"] != 1 || got["two"] != 1 {
		t.Errorf("the stream holds %v", got)
	}
}

// testNoIndex has the cluster refuse to make indices: such a document is a dead letter.
func testNoIndex(t *testing.T, n *node.Node) {
	set := func(value string) {
		n.DoT(t, http.MethodPut, "/_cluster/settings", `{"transient":{"action.auto_create_index":`+value+`}}`)
	}
	set("false")
	defer set("null")
	_, client := startShipping(t, n.URL, "not-there")
	beat(t, client, "one")
	eventually(t, "it is refused", func() error {
		if o := outboxOf(t, client); o.Dead < 1 || o.Waiting > 0 {
			// the agent's line of being ready may be another
			return fmt.Errorf("%+v", o)
		}
		return nil
	})
}

// testFullOutbox queues more than the outbox holds while nothing is there. What arrives later and
// what is told to be lost are all that there was.
func testFullOutbox(t *testing.T, n *node.Node) {
	const index, sent = "full", 400
	_, client := startShipping(t, "http://127.0.0.1:9", index) // the port of the discard service: nobody listens
	configure(t, client, "outbox_limit_bytes", "65536")
	for i := range sent {
		beat(t, client, fmt.Sprint(i))
	}
	o := stateBecomes(t, client, "backing off until ")
	if o.Bytes > 65536 || o.Dropped == 0 || o.Waiting+o.Dropped < sent {
		t.Errorf("the outbox is %+v", o)
	}
	configure(t, client, "opensearch_domain_endpoint", n.URL)
	dropped := 0
	eventually(t, "the loss is told", func() error {
		// a line of the agent's log may have driven out one more
		dropped = outboxOf(t, client).Dropped
		notices := documents(t, n, index+"-logs", func(d document) bool { return d.Lost > 0 })
		if len(notices) != 1 || notices[0].Lost != dropped {
			return fmt.Errorf("%+v, %d were dropped", notices, dropped)
		}
		return nil
	})
	drained(t, client)
	// of the agent's log, beside the notice
	lines := len(documents(t, n, index+"-logs", func(document) bool { return true })) - 1
	if got := beats(t, n, index); len(got)+lines+dropped < sent || len(got)+dropped > sent+1 ||
		got[fmt.Sprint(sent-1)] != 1 {
		t.Errorf("%d arrived, %d were lost, %d were sent", len(got), dropped, sent)
	}
}
