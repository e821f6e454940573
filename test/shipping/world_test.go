package shipping

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// within is how long something that must happen at once may take on a machine that has other work.
const within = 30 * time.Second

// eventually waits until look is content, and tells what it last said otherwise.
func eventually(t *testing.T, what string, within time.Duration, look func() error) {
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

// startShipping starts an agent that ships to an endpoint, and has so many heartbeats wait where
// nobody takes them.
func startShipping(t *testing.T, beats int) (*agent.Process, *agent.Client) {
	t.Helper()
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	body := `[{"propertyName":"heartbeat_interval_seconds","propertyValue":"86400"},{"propertyName":"log_level","propertyValue":"error"}]`
	wantT(t, client, http.MethodPut, "/agent/config", body)
	shipTo(t, client, "http://127.0.0.1:9") // the port of the discard service: nobody listens
	for i := range beats {
		beat(t, client, fmt.Sprint(i))
	}
	return process, client
}

func shipTo(t *testing.T, client *agent.Client, endpoints ...string) {
	t.Helper()
	body := fmt.Sprintf(`[{"propertyName":"opensearch_domain_endpoint","propertyValue":%q}]`, strings.Join(endpoints, ","))
	wantT(t, client, http.MethodPut, "/agent/config", body)
}

// beat queues a heartbeat. An agent that has not sampled its host yet is asked again: it has done
// nothing.
func beat(t *testing.T, client *agent.Client, id string) {
	t.Helper()
	eventually(t, "the heartbeat is queued", within, func() error {
		answer, err := client.Do(t.Context(), http.MethodPost, "/agent/heartbeat", fmt.Sprintf(`{"id":%q}`, id), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != http.StatusOK {
			return fmt.Errorf("answered %d: %s", answer.Status, answer.Body)
		}
		return nil
	})
}

func wantT(t *testing.T, client *agent.Client, method, path, body string) []byte {
	t.Helper()
	answer, err := client.Want(t.Context(), http.StatusOK, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// outbox is what these tests read of GET /agent/outbox.
type outbox struct {
	State     string `json:"state"`
	Waiting   int    `json:"waiting"`
	Shipped   int    `json:"shipped"`
	Refused   int    `json:"refused"`
	Dropped   int    `json:"dropped"`
	LastError string `json:"last_error"`
}

func outboxOf(t *testing.T, client *agent.Client) (o outbox) {
	t.Helper()
	if err := json.Unmarshal(wantT(t, client, http.MethodGet, "/agent/outbox", ""),
		&o); err != nil {
		t.Fatal(err)
	}
	return o
}

// stateBecomes waits until the state begins with a text.
func stateBecomes(t *testing.T, client *agent.Client, text string) (o outbox) {
	t.Helper()
	eventually(t, "the state is "+text, within, func() error {
		if o = outboxOf(t, client); !strings.HasPrefix(o.State, text) {
			return fmt.Errorf("%+v", o)
		}
		return nil
	})
	return o
}

// drained waits until nothing waits any more.
func drained(t *testing.T, client *agent.Client, within time.Duration) (o outbox) {
	t.Helper()
	eventually(t, "the outbox is empty", within, func() error {
		if o = outboxOf(t, client); o.Waiting > 0 {
			return fmt.Errorf("%+v", o)
		}
		return nil
	})
	return o
}
