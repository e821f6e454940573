package crash

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"

	"gusty/test/agent"
)

// writer changes the jobs of its ledger until the agent dies under it.
type writer struct {
	ledger ledger
	random *rand.Rand
	writes int // acknowledged
}

// write returns an error only where the agent answered something that it must not; a lost
// connection is what the test waits for.
func (w *writer) write(ctx context.Context, client *agent.Client) error {
	for {
		e := w.ledger[w.random.IntN(len(w.ledger))]
		version := e.change(w.random)
		e.pending = version
		answer, err := request(ctx, client, e, version)
		if err != nil {
			//nolint:nilerr // the agent was killed: the outcome of this one request is unknown
			return nil
		}
		switch answer.Status {
		case http.StatusOK:
			e.settle(version)
			w.writes++
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			if !strings.Contains(string(answer.Body), `"busy"`) {
				return nil // the outcome is unknown, as it is after a crash
			}
			e.pending = -1 // nothing was done
		default:
			return fmt.Errorf("%s %q answered %d: %s", answer.Request.Method, e.name, answer.Status,
				answer.Body)
		}
	}
}

func request(ctx context.Context, client *agent.Client, e *entry, version int) (*agent.Answer,
	error,
) {
	switch {
	case version == 0:
		return client.Do(ctx, http.MethodDelete, "/agent/job?script_name="+url.QueryEscape(e.name),
			"", nil)
	case e.version == 0:
		return client.Do(ctx, http.MethodPost, "/agent/job",
			agent.JobBody(e.name, "0 0 1 1 *", script(version)), nil)
	default:
		return client.Do(ctx, http.MethodPut, "/agent/job",
			agent.JobBody(e.name, "0 0 1 1 *", script(version)), nil)
	}
}

// script carries the version, and enough more that a page holds only a few jobs.
func script(version int) string {
	return fmt.Sprintf("# %d\n%s", version, strings.Repeat("true\n", 100))
}

// found asks for the version of a job that the agent has.
func found(ctx context.Context, client *agent.Client, name string) (int, error) {
	answer, err := client.Do(ctx, http.MethodGet, "/agent/jobs?name="+url.QueryEscape(name), "",
		nil)
	if err != nil {
		return 0, err
	}
	if answer.Status == http.StatusNotFound {
		return 0, nil
	}
	var job struct{ Content string }
	if err := json.Unmarshal(answer.Body, &job); err != nil || answer.Status != http.StatusOK {
		return 0, fmt.Errorf("asking for %q: %d %s (%w)", name, answer.Status, answer.Body, err)
	}
	content, err := base64.StdEncoding.DecodeString(job.Content)
	if err != nil {
		return 0, err
	}
	var version int
	if _, err := fmt.Sscanf(string(content), "# %d", &version); err != nil ||
		string(content) != script(version) {
		return 0, fmt.Errorf("the script of %q is not one that was ever written: %q", name, content)
	}
	return version, nil
}
