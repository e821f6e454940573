// Package floods attacks the real gustyd with many connections at once, and holds that its memory
// stays bounded meanwhile, that a client who is known is served, and that the memory is given back.
package floods

import (
	"os"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }
