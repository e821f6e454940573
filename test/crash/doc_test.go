// Package crash ends the real gustyd by SIGKILL in the middle of concurrent writes, again and again, and holds it to its word: what it
// acknowledged is there after the next start, and every start is a clean one.
package crash

import (
	"os"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }
