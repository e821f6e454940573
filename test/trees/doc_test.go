//go:build linux

// Package trees starts the hardest process trees through the real agent, in a PID namespace of
// their own, and ends them in every way there is: nothing survives, every run ends with the right
// state within its limits, and the agent loses no descriptor and leaves no zombie.
package trees

import (
	"os"
	"testing"

	"gusty/test/pidspace"
)

func TestMain(m *testing.M) { os.Exit(pidspace.Main(m)) }
