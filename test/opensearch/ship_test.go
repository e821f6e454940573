package opensearch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// What happens on the agent is seen in OpenSearch: heartbeats, health, what jobs print, whole and
// without the secrets of their environment, and the agent's own log.
func TestDocumentsArrive(t *testing.T) {
	n := node.StartT(t, node.Options{})
	client := agent.StartT(t, t.TempDir()).ClientT(t)
	if o := outboxOf(t, client); !strings.HasPrefix(o.State, "disabled: ") {
		t.Errorf("without an endpoint the state is %q", o.State)
	}
	configure(t, client, "opensearch_domain_endpoint", n.URL, "labels", "site=north",
		"heartbeat_interval_seconds", "1")
	beat(t, client, "first")
	storeJob(t, client, "short", "echo \"token $TOKEN\"; echo trouble >&2", "short-out",
		map[string]any{"environment": map[string]string{"TOKEN": "s3cr3t-value"}})
	storeJob(t, client, "long", "for i in $(seq 1 4000); do echo \"line $i $TOKEN ä\"; done",
		"long-out-%{+yyyy}",
		map[string]any{"environment": map[string]string{"TOKEN": "s3cr3t-value"}})
	short, long := runJob(t, client, "short"), runJob(t, client, "long")
	eventually(t, "all is there", func() error {
		if beats(t, n, healthIndex)["first"] != 1 {
			return fmt.Errorf("no heartbeat yet: %+v", outboxOf(t, client))
		}
		if got := documents(t, n, "short-out", ofRun(short)); len(got) != 2 {
			return fmt.Errorf("%d documents of the short run", len(got))
		}
		if got := documents(t, n, longIndex(), ofRun(long)); len(got) < 3 {
			return fmt.Errorf("%d documents of the long run", len(got))
		}
		if got := documents(t, n, logIndex, func(d document) bool {
			return strings.HasPrefix(d.Message, "run ended")
		}); len(got) < 2 {
			return fmt.Errorf("%d lines of the agent's log", len(got))
		}
		return nil
	})
	requireShort(t, documents(t, n, "short-out", ofRun(short)))
	requireLong(t, documents(t, n, longIndex(), ofRun(long)))
	if o := drained(t, client); o.State != "shipping" || o.Refused+o.Dropped != 0 {
		t.Errorf("the outbox is %+v", o)
	}
}

func longIndex() string { return time.Now().UTC().Format("long-out-2006") }

func ofRun(id string) func(document) bool { return func(d document) bool { return d.RunID == id } }

func requireShort(t *testing.T, got []document) {
	t.Helper()
	out, err := got[0], got[1]
	if out.Stream == "stderr" {
		out, err = err, out
	}
	if out.Message != "token ********" || out.Level != "INFO" || out.Job != "short" ||
		out.Part != 1 || out.Sequence == 0 || out.AgentID == "" {
		t.Errorf("standard output is %+v", out)
	}
	if err.Message != "trouble" || err.Level != "WARN" {
		t.Errorf("standard error is %+v", err)
	}
}

func requireLong(t *testing.T, got []document) {
	t.Helper()
	var want, text strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&want, "line %d ******** ä", i+1)
	}
	for i, d := range got {
		if d.Part != i+1 || len(d.Message) > 32<<10 {
			t.Errorf("part %d of %d bytes is at place %d", d.Part, len(d.Message), i+1)
		}
		text.WriteString(d.Message)
	}
	if text.String() != want.String() {
		t.Errorf("the parts make %d bytes, not %d", text.Len(), want.Len())
	}
}
