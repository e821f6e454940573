package main

import (
	"slices"
	"strconv"
	"strings"
)

// firstRealTime is the number of SIGRTMIN as kill(1) counts with glibc.
const firstRealTime = 34

// signalNumber returns the number of a signal that ended a run, by the name that the agent gives
// it; 0 where the name is not known. The numbers are Linux's on every machine that an agent runs on
// (signal(7)), whatever this machine's are.
func signalNumber(name string) int {
	if above, ok := strings.CutPrefix(name, "SIGRTMIN+"); ok {
		if n, err := strconv.Atoi(above); err == nil {
			return firstRealTime + n
		}
	}
	return 1 + slices.Index([]string{
		"SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
		"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE",
		"SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN",
		"SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ",
		"SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	}, name)
}
