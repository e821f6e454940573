//go:build !linux

package crash

import (
	"os"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }
