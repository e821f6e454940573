package pidspace

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Process is what ps shows of one.
type Process struct {
	PID     int
	State   string // R S D T Z …
	Command string
}

// Processes lists those of the namespace but its first one, the tests themselves, and those in
// known.
func Processes(known ...int) []Process {
	known = append(known, 1, os.Getpid())
	entries, _ := os.ReadDir("/proc") // an empty list fails the test that counts on one
	var found []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || slices.Contains(known, pid) {
			continue
		}
		if p, ok := look(pid); ok {
			found = append(found, p)
		}
	}
	return found
}

func look(pid int) (Process, bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // a zombie has none
	_, after, _ := strings.Cut(string(line[bytes.LastIndexByte(line, ')'):]), " ")
	state, _, _ := strings.Cut(after, " ")
	return Process{
		PID:     pid,
		State:   state,
		Command: string(bytes.ReplaceAll(command, []byte{0}, []byte{' '})),
	}, true
}

// ExpectOnly waits until no process is left but those in known, zombies included.
func ExpectOnly(t testing.TB, known ...int) {
	t.Helper()
	Eventually(t, 10*time.Second, func() error {
		if left := Processes(known...); len(left) > 0 {
			return fmt.Errorf("%d processes are left: %+v", len(left), left[:min(len(left), 20)])
		}
		return nil
	})
}

// Eventually looks until what it waits for is there.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(within)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

// Descriptors counts the open descriptors of a process.
func Descriptors(t testing.TB, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
