package main

import (
	"fmt"
	"strings"
)

// The exit codes. None of them is 2: with 2 the Go runtime ends a program that crashed, by a panic,
// a fatal error (out of memory, a cut file under its mapping), SIGABRT as systemd's watchdog sends
// it, or SIGQUIT. A service manager must start a crashed agent again.
const (
	exitStopped = 0
	exitFailed  = 1
	exitGaveUp  = 3
	exitInUse   = 4
	exitDamaged = 5
	exitUsage   = 64  // EX_USAGE of sysexits(3)
	exitAtOnce  = 130 // 128 and the number of SIGINT, as shells count
)

// exitMeaning is one exit code as people and service managers are to take it.
type exitMeaning struct {
	code  int
	text  string // for --help
	after aftermath
}

// aftermath is what a service manager does when the agent has ended.
type aftermath int

const (
	startAgain aftermath = iota // it was no one's wish, and another start may do better
	stayDown                    // a failure that only a person can end
	wasAsked                    // somebody wanted it so
)

// String returns what --help adds to a code's text.
func (a aftermath) String() string {
	if a == stayDown {
		return "; a restart does not help"
	}
	return ""
}

// exitMeanings returns all codes with which the agent ends by itself. deploy/systemd/gusty.service
// and docs/failures.md follow it.
func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitStopped, "asked to stop", wasAsked},
		{exitFailed, "failed at start", startAgain},
		{exitGaveUp, "gave up (start it again)", startAgain},
		{exitInUse, "the data directory is in use", stayDown},
		{exitDamaged, "the database is damaged or the key is wrong", stayDown},
		{exitUsage, "a flag or an environment variable is wrong", stayDown},
		{exitAtOnce, "asked twice to stop", wasAsked},
	}
}

// exitHelp returns the part of --help that names the exit codes, and the one that is never the
// agent's own.
func exitHelp() string {
	var text strings.Builder
	text.WriteString("Exit codes:\n")
	for _, m := range exitMeanings() {
		fmt.Fprintf(&text, "  %3d  %s%s\n", m.code, m.text, m.after)
	}
	text.WriteString("    2  never by itself: the agent crashed (start it again)\n")
	return text.String()
}
