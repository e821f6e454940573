package opensearch

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// within is how long something that must happen may take on a machine that has other work.
const within = 60 * time.Second

// The indices of these tests.
const (
	logIndex    = "rust_agent_application_logs_dev"
	healthIndex = "rust_agent_health_discovery_dev"
)

// eventually waits until look is content, and tells what it last said otherwise.
func eventually(t *testing.T, what string, look func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// configure sets parameters: name, value, and so on.
func configure(t *testing.T, client *agent.Client, pairs ...string) {
	t.Helper()
	type row struct {
		Name  string `json:"propertyName"`
		Value string `json:"propertyValue"`
	}
	var rows []row
	for i := 0; i < len(pairs); i += 2 {
		rows = append(rows, row{pairs[i], pairs[i+1]})
	}
	body, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	wantT(t, client, http.MethodPut, "/agent/config", string(body))
}

func wantT(t *testing.T, client *agent.Client, method, path, body string) []byte {
	t.Helper()
	answer, err := client.Want(t.Context(), http.StatusOK, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// outbox is the answer of GET /agent/outbox.
type outbox struct {
	State     string  `json:"state"`
	Waiting   int     `json:"waiting"`
	Bytes     int     `json:"bytes"`
	Shipped   int     `json:"shipped"`
	Refused   int     `json:"refused"`
	Dead      int     `json:"dead_letters"`
	Dropped   int     `json:"dropped"`
	Rate      float64 `json:"shipped_per_second"`
	LastError string  `json:"last_error"`
}

func outboxOf(t *testing.T, client *agent.Client) (o outbox) {
	t.Helper()
	if err := json.Unmarshal(wantT(t, client, http.MethodGet, "/agent/outbox", ""),
		&o); err != nil {
		t.Fatal(err)
	}
	return o
}

// drained waits until nothing waits any more.
func drained(t *testing.T, client *agent.Client) outbox {
	t.Helper()
	var o outbox
	eventually(t, "the outbox is empty", func() error {
		if o = outboxOf(t, client); o.Waiting > 0 {
			return fmt.Errorf("%+v", o)
		}
		return nil
	})
	return o
}

// beat queues a heartbeat document with an id of the test's own. An agent that has not sampled its
// host yet is asked again: it has done nothing.
func beat(t *testing.T, client *agent.Client, id string) {
	t.Helper()
	eventually(t, "the heartbeat is queued", func() error {
		answer, err := client.Do(t.Context(), http.MethodPost, "/agent/heartbeat", fmt.Sprintf(`{"id":%q}`, id), nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case answer.Status == http.StatusServiceUnavailable:
			return fmt.Errorf("answered 503: %s", answer.Body)
		case answer.Status != http.StatusOK:
			t.Fatalf("answered %d: %s", answer.Status, answer.Body)
		}
		return nil
	})
}

// beats returns the heartbeat ids that an index holds, and how often.
func beats(t *testing.T, n *node.Node, index string) map[string]int {
	t.Helper()
	documents, err := n.Documents(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, source := range documents {
		var d struct {
			ID string `json:"heartbeat_id"`
		}
		if err := json.Unmarshal(source, &d); err != nil {
			t.Fatal(err)
		}
		if d.ID != "" {
			found[d.ID]++
		}
	}
	return found
}

// storeJob stores a job that sends its output, and fires only when it is asked to.
func storeJob(t *testing.T, client *agent.Client, name, script, index string, more map[string]any) {
	t.Helper()
	body := map[string]any{
		"script_name": name, "content": base64.StdEncoding.EncodeToString([]byte(script)), "cron_expression": "0 0 1 1 *", "script_type": 1,
		"opensearch_enabled": true, "opensearch_index": index,
	}
	for key, value := range more {
		body[key] = value
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	wantT(t, client, http.MethodPost, "/agent/job", string(data))
}

// runJob runs a stored job, and gives the run's id when it has ended.
func runJob(t *testing.T, client *agent.Client, name string) (id string) {
	t.Helper()
	body, err := client.Want(t.Context(), http.StatusAccepted, http.MethodPost,
		"/agent/job/run?script_name="+name, "")
	if err != nil {
		t.Fatal(err)
	}
	var run struct {
		ID    string `json:"run_id"`
		State string `json:"state"`
	}
	if err := json.Unmarshal(body, &run); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the run ends", func() error {
		if err := json.Unmarshal(wantT(t, client, http.MethodGet, "/agent/runs/"+run.ID, ""),
			&run); err != nil {
			return err
		}
		if run.State == "queued" || run.State == "running" {
			return fmt.Errorf("it is %s", run.State)
		}
		return nil
	})
	return run.ID
}

// document is what these tests read of one.
type document struct {
	ID        string `json:"-"`
	AgentID   string `json:"agentId"`
	Job       string `json:"jobname"`
	Level     string `json:"level"`
	Logger    string `json:"loggerName"`
	Message   string `json:"message"`
	Stream    string `json:"stream"`
	RunID     string `json:"run_id"`
	Part      int    `json:"part"`
	Sequence  int    `json:"sequence"`
	Timestamp string `json:"timestamp"`
	Lost      int    `json:"lost_documents"`
}

// documents returns an index's documents that keep takes, in the order of sequence and part.
func documents(t *testing.T, n *node.Node, index string,
	keep func(document) bool,
) (found []document) {
	t.Helper()
	all, err := n.Documents(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	for id, source := range all {
		d := document{ID: id}
		if err := json.Unmarshal(source, &d); err != nil {
			t.Fatal(err)
		}
		if keep(d) {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b document) int {
		return cmp.Or(a.Sequence-b.Sequence, a.Part-b.Part)
	})
	return found
}

// stateBecomes waits until the state holds a text.
func stateBecomes(t *testing.T, client *agent.Client, text string) outbox {
	t.Helper()
	var o outbox
	eventually(t, "the state says "+text, func() error {
		if o = outboxOf(t, client); !strings.Contains(o.State, text) {
			return fmt.Errorf("%+v", o)
		}
		return nil
	})
	return o
}
