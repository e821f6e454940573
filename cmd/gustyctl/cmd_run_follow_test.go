package main

import (
	"testing"

	"gusty/messages"
)

func TestFollowCode(t *testing.T) {
	number := func(n int) *int { return &n }
	name := func(s string) *string { return &s }
	for what, c := range map[string]struct {
		run  runRecord
		want int
	}{
		"it succeeded":                         {runRecord{State: messages.RunSucceeded, ExitCode: number(0)}, 0},
		"a code that counts as success":        {runRecord{State: messages.RunSucceeded, ExitCode: number(3)}, 3},
		"it failed":                            {runRecord{State: messages.RunFailed, ExitCode: number(7)}, 7},
		"0 does not count as success":          {runRecord{State: messages.RunFailed, ExitCode: number(0)}, 1},
		"a signal":                             {runRecord{State: messages.RunFailed, Signal: name("SIGKILL")}, 137},
		"a signal without a name of its own":   {runRecord{State: messages.RunFailed, Signal: name("SIGRTMIN+3")}, 165},
		"a signal that we do not know":         {runRecord{State: messages.RunFailed, Signal: name("SIGODD")}, 1},
		"it timed out and was killed":          {runRecord{State: messages.RunTimedOut, Signal: name("SIGTERM")}, 1},
		"it was cancelled and left with 0":     {runRecord{State: messages.RunCancelled, ExitCode: number(0)}, 1},
		"it was cancelled and left with 9":     {runRecord{State: messages.RunCancelled, ExitCode: number(9)}, 9},
		"it never ran":                         {runRecord{State: messages.RunSkipped}, 1},
		"its interpreter could not be started": {runRecord{State: messages.RunFailed}, 1},
	} {
		if got := c.run.followCode(); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
}
