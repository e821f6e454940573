package process

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// findOrphan returns what is left of a run of an earlier agent: its main process, if the creation
// time is the recorded one, and what descends from it. The job object has lost its name with the
// agent.
func (h *Host) findOrphan(o Orphan) orphanTree {
	t := &orphanProcesses{known: map[uint32]uint64{}}
	if o.PID > 0 && o.PID != os.Getpid() && o.StartTicks != 0 &&
		creationOf(uint32(o.PID)) == o.StartTicks {
		t.known[uint32(o.PID)] = o.StartTicks
	}
	return t
}

type orphanProcesses struct{ known map[uint32]uint64 } // number and creation time

// left drops the dead, and takes in the children of the others. A child is younger than its parent:
// numbers are used again.
func (t *orphanProcesses) left() int {
	for pid, created := range t.known {
		if creationOf(pid) != created {
			delete(t.known, pid)
		}
	}
	for grown := len(t.known) > 0; grown; {
		grown = t.grow()
	}
	return len(t.known)
}

func (t *orphanProcesses) grow() (grown bool) {
	eachProcess(func(pid, parent uint32) {
		born, child := t.known[parent]
		if _, known := t.known[pid]; !child || known || pid == uint32(os.Getpid()) {
			return
		}
		if created := creationOf(pid); created >= born {
			t.known[pid] = created
			grown = true
		}
	})
	return grown
}

func (t *orphanProcesses) kill() (failed error) {
	t.left()
	for pid, created := range t.known {
		failed = errors.Join(failed, terminate(pid, created))
	}
	return failed
}

func (t *orphanProcesses) remove() {}

// terminate checks the creation time by the handle that it then uses.
func terminate(pid uint32, created uint64) error {
	process, err := windows.OpenProcess(
		windows.PROCESS_TERMINATE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return nil // it has ended
	}
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	if startTicks(process) != created {
		return nil
	}
	return windows.TerminateProcess(process, killedCode)
}

// creationOf returns the creation time of a living process, else 0.
func creationOf(pid uint32) uint64 {
	process, err := windows.OpenProcess(
		windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, pid)
	if err != nil {
		return 0
	}
	defer func() { _ = windows.CloseHandle(process) }()
	if event, err := windows.WaitForSingleObject(process, 0); err != nil ||
		event == windows.WAIT_OBJECT_0 {
		return 0 // it has exited, and somebody holds a handle
	}
	return startTicks(process)
}

func eachProcess(visit func(pid, parent uint32)) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return
	}
	defer func() { _ = windows.CloseHandle(snapshot) }()
	entry := windows.ProcessEntry32{}
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(snapshot,
		&entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		visit(entry.ProcessID, entry.ParentProcessID)
	}
}
