package opensearch

import (
	"fmt"
	"net/http"
	"testing"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// A node that takes no more than 24 KB at a time gets what fits: batches are cut until each does,
// and a document that never will is a dead letter.
func TestTooLarge(t *testing.T) {
	n := node.StartT(t, node.Options{Settings: []string{"http.max_content_length=24kb"}})
	_, client := startShipping(t, "http://127.0.0.1:9", "small-batches")
	for i := range 200 {
		beat(t, client, fmt.Sprint(i))
	}
	storeJob(t, client, "long", "head -c 100000 /dev/zero | tr '\\0' x", "small-batches-jobs", nil)
	runJob(t, client, "long")
	for i := range 20 {
		beat(t, client, fmt.Sprint(1000+i))
	}
	configure(t, client, "opensearch_domain_endpoint", n.URL)
	if o := drained(t, client); o.Dead != 1 || o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
	if got := beats(t, n, "small-batches"); len(got) != 220 {
		t.Errorf("%d heartbeats arrived", len(got))
	}
}

// A node whose queue is nearly always full refuses some items of each batch: in the end all are
// there.
func TestFullQueues(t *testing.T) {
	n := node.StartT(t,
		node.Options{Settings: []string{
			"thread_pool.write.size=1",
			"thread_pool.write.queue_size=1",
		}})
	_, client := startShipping(t, "http://127.0.0.1:9", "queued")
	var want []string
	for job := range 10 {
		name := fmt.Sprintf("job-%d", job)
		storeJob(t, client, name, "echo out; echo err >&2", "queued-"+name, nil)
		for range 3 {
			want = append(want, runJob(t, client, name))
		}
	}
	configure(t, client, "opensearch_domain_endpoint", n.URL)
	if o := drained(t, client); o.Refused+o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
	for i, id := range want {
		if got := documents(t, n, fmt.Sprintf("queued-job-%d", i/3), ofRun(id)); len(got) != 2 {
			t.Errorf("run %d has %d documents", i, len(got))
		}
	}
}

// A node that has no memory for requests answers 429 to the whole of them: documents wait, and go
// when it has.
func TestNoMemory(t *testing.T) {
	n := node.StartT(t, node.Options{})
	set := func(value string) {
		n.DoT(t, http.MethodPut, "/_cluster/settings", `{"transient":{"network.breaker.inflight_requests.limit":`+value+`}}`)
	}
	_, client := startShipping(t, "http://127.0.0.1:9", "no-memory")
	for i := range 100 {
		beat(t, client, fmt.Sprint(i))
	}
	set(`"2kb"`)
	configure(t, client, "opensearch_domain_endpoint", n.URL)
	stateBecomes(t, client, "answered 429")
	set("null")
	if o := drained(t, client); o.Refused+o.Dropped != 0 || len(beats(t, n, "no-memory")) != 100 {
		t.Errorf("the outbox is %+v", o)
	}
}

// A node that is killed and started again under load costs time and no document.
func TestKilledNode(t *testing.T) {
	n := node.StartT(t, node.Options{})
	_, client := startShipping(t, n.URL, "killed-node")
	sent := 0
	load := func(documents int) {
		for range documents {
			beat(t, client, fmt.Sprint(sent))
			sent++
		}
	}
	load(300)
	for range 2 {
		load(200)
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
		load(300)
		stateBecomes(t, client, "backing off until ")
		if err := n.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n.DoT(t, http.MethodGet, "/_cluster/health/killed-node?wait_for_status=yellow&timeout=30s", "")
	if o := drained(t, client); o.Refused+o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
	if got := beats(t, n, "killed-node"); len(got) != sent {
		t.Errorf("%d of %d arrived", len(got), sent)
	}
}

// What waits when the agent stops is sent before it ends, where OpenSearch is there.
func TestLastFlush(t *testing.T) {
	n := node.StartT(t, node.Options{})
	process, client := startShipping(t, n.URL, "last")
	beat(t, client, "one")
	drained(t, client)
	for i := range 20 {
		beat(t, client, fmt.Sprint(i))
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Errorf("it ended with %d, %v", code, err)
	}
	if got := beats(t, n, "last"); len(got) != 21 {
		t.Errorf("%d of 21 arrived", len(got))
	}
	again := agent.StartT(t, process.Dir, "--log-level", "info").ClientT(t)
	if o := outboxOf(t, again); o.Waiting > 1 { // its own line of being ready
		t.Errorf("the outbox is %+v", o)
	}
}
