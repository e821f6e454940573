package systemd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// awaitLeader waits until the machine's first process is systemd.
func (m *Machine) awaitLeader(ctx context.Context) error {
	return m.poll(ctx, func() bool {
		m.Leader = leaderBelow(m.janitor.Process.Pid)
		return m.Leader != 0
	})
}

// leaderBelow returns the process below pid that is the first of its PID namespace and has become
// systemd; 0 where there is none yet.
func leaderBelow(pid int) int {
	for _, child := range childrenOf(pid) {
		if isLeader(child) {
			return child
		}
		if found := leaderBelow(child); found != 0 {
			return found
		}
	}
	return 0
}

func childrenOf(pid int) (children []int) {
	files, _ := filepath.Glob(filepath.Join(processDir(pid), "task", "*", "children"))
	for _, file := range files {
		text, _ := os.ReadFile(file) // a thread that has ended has none
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

func isLeader(pid int) bool {
	status, err := os.ReadFile(filepath.Join(processDir(pid), "status"))
	if err != nil || !bytes.HasPrefix(status, []byte("Name:\tsystemd\n")) {
		return false
	}
	_, rest, _ := strings.Cut(string(status), "NSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.HasSuffix(line, "\t1")
}

func processDir(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }
