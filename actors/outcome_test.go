package actors

import (
	"testing"

	"gusty/internal/process"
	"gusty/messages"
)

func TestTheReasonTellsThatMemoryRanOut(t *testing.T) {
	const (
		host   = process.ShortageOfHost
		nearby = process.ShortageNearby
		limit  = process.ShortageOfLimit
	)
	for _, c := range []struct {
		result process.Result
		state  messages.RunState
		reason string
	}{
		{process.Result{ExitCode: -1, Signal: "SIGKILL"}, messages.RunFailed, "it was ended by SIGKILL"},
		{process.Result{ExitCode: -1, Signal: "SIGKILL", Shortage: limit}, messages.RunFailed, "it reached its memory limit"},
		{process.Result{ExitCode: 0, Shortage: limit}, messages.RunFailed, "it reached its memory limit"},
		{process.Result{ExitCode: -1, Signal: "SIGKILL", Shortage: host}, messages.RunFailed, "the kernel ended it because memory ran out"},
		{
			process.Result{ExitCode: -1, Signal: "SIGKILL", Shortage: nearby},
			messages.RunFailed,
			"it was ended by SIGKILL; it seems that the kernel ended it because memory ran out",
		},
		{
			process.Result{ExitCode: -1, Signal: "SIGSEGV", Shortage: host},
			messages.RunFailed,
			"it was ended by SIGSEGV; the kernel ended processes of it because memory ran out",
		},
		{process.Result{ExitCode: 137}, messages.RunFailed, "it exited with 137"},
		{
			process.Result{ExitCode: 137, Shortage: host},
			messages.RunFailed,
			"it exited with 137; the kernel ended processes of it because memory ran out",
		},
		{
			process.Result{ExitCode: 137, Shortage: nearby},
			messages.RunFailed,
			"it exited with 137; it seems that the kernel ended processes of it because memory " +
				"ran out",
		},
		{
			process.Result{ExitCode: 1, Shortage: nearby},
			messages.RunFailed,
			"it exited with 1; meanwhile the kernel ended processes because memory ran out, " +
				"maybe some of it",
		},
		{process.Result{}, messages.RunSucceeded, ""},
		{process.Result{Shortage: host}, messages.RunSucceeded, "the kernel ended processes of it because memory ran out"},
	} {
		job := &messages.Job{Options: messages.DefaultJobOptions()}
		if state, reason := judge(job, ending{}, &c.result); state != c.state ||
			reason != c.reason {
			t.Errorf("%+v: %s, %q", c.result, state, reason)
		}
	}
	over := ending{state: messages.RunTimedOut, reason: "it ran longer than 1 s"}
	if state, reason := judge(&messages.Job{}, over, &process.Result{
		Signal:   "SIGKILL",
		Shortage: host,
	}); state != over.state || reason != over.reason {
		t.Errorf("whoever ended it has the first word: %s, %q", state, reason)
	}
}
