package systemd

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// limitMemory puts a process of the machine into a memory cgroup of the host's (version 1), or
// limits the cgroup in which it is (version 2).
func (h *host) limitMemory(pid, bytes int) {
	h.t.Helper()
	limit := strconv.Itoa(bytes)
	if group, found := h.cgroupOf("self", "memory"); found {
		name := "gusty-test-" + strconv.Itoa(os.Getpid())
		dir := filepath.Join("/sys/fs/cgroup/memory", group, name)
		h.must(os.Mkdir(dir, 0o700))
		h.t.Cleanup(func() { h.must(os.Remove(dir)) })
		h.must(os.WriteFile(filepath.Join(dir, "memory.limit_in_bytes"), []byte(limit), 0o600))
		process := strconv.Itoa(h.outside(pid))
		h.must(os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(process), 0o600))
		return
	}
	group, _ := h.cgroupOf(strconv.Itoa(h.outside(pid)), "")
	err := os.WriteFile(filepath.Join("/sys/fs/cgroup", group, "memory.max"), []byte(limit), 0o600)
	if errors.Is(err, os.ErrNotExist) {
		const lacks = "this host lends no memory controller to the machine"
		if os.Getenv(InsistVariable) == "insist" {
			h.t.Fatal(lacks)
		}
		h.t.Skip(lacks)
	}
	h.must(err)
}

// cgroupOf returns the cgroup of a process in the hierarchy of a controller.
func (h *host) cgroupOf(process, controller string) (path string, found bool) {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", process, "cgroup"))
	h.must(err)
	for line := range strings.Lines(string(text)) {
		if _, path, found = strings.Cut(strings.TrimSpace(line), ":"+controller+":"); found {
			return path, true
		}
	}
	return "", false
}

// outside returns the process id that the host knows a process of the machine by.
func (h *host) outside(pid int) int {
	h.t.Helper()
	for _, child := range childrenOf(h.Leader) {
		status, err := os.ReadFile(filepath.Join(processDir(child), "status"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(status), "NSpid:")
		line, _, _ := strings.Cut(rest, "\n")
		if strings.HasSuffix(line, "\t"+strconv.Itoa(pid)) {
			return child
		}
	}
	h.t.Fatalf("process %d of the machine is not found", pid)
	return 0
}
