package opensearch

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// KillsVariable is the environment variable that says how often the agent is killed.
const killsVariable = "GUSTY_SHIP_KILLS"

const defaultKills = 12

func kills(t *testing.T) int {
	value := os.Getenv(killsVariable)
	if value == "" {
		return defaultKills
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number of kills", killsVariable, value)
	}
	return n
}

// testKilledAgent kills the agent at any moment while it queues and ships. In the end each
// acknowledged heartbeat is in OpenSearch, once.
func testKilledAgent(t *testing.T, n *node.Node) {
	const index = "killed-agent"
	dir := t.TempDir()
	ledger := map[string]bool{} // by heartbeat id: it was acknowledged
	for kill := range kills(t) {
		process := agent.StartT(t, dir)
		client := process.ClientT(t)
		if kill == 0 {
			configure(t, client, "opensearch_domain_endpoint", n.URL,
				"opensearch_health_discovery_log_index", index,
				"opensearch_application_log_index", index+"-logs", "heartbeat_interval_seconds",
				"86400")
		}
		until := time.Now().Add(time.Duration(50+rand.IntN(600)) * time.Millisecond)
		for i := 0; time.Now().Before(until); i++ {
			id := fmt.Sprintf("%d-%d", kill, i)
			answer, err := client.Do(t.Context(), http.MethodPost, "/agent/heartbeat", fmt.Sprintf(`{"id":%q}`, id), nil)
			if err == nil && answer.Status == http.StatusOK {
				ledger[id] = true
			}
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	drained(t, agent.StartT(t, dir).ClientT(t))
	got := beats(t, n, index)
	for _, id := range slices.Sorted(maps.Keys(ledger)) {
		if got[id] != 1 {
			t.Errorf("the heartbeat %s is there %d times", id, got[id])
		}
	}
	if len(got) != len(ledger) {
		t.Errorf("%d heartbeats are there, and %d were acknowledged", len(got), len(ledger))
	}
	t.Logf("%d kills, %d heartbeats, each there once", kills(t), len(ledger))
}
