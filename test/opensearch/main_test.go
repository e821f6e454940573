// Package opensearch ships documents from the real agent to real OpenSearch nodes, and to servers
// that misbehave.
package opensearch

import (
	"os"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }
