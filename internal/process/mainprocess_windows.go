package process

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// controlCExit is STATUS_CONTROL_C_EXIT, with which a process ends that does not handle a console
// event.
const controlCExit = 0xC000013A

// mainProcess is the process that the Host started for a run.
type mainProcess struct {
	pid    int
	handle windows.Handle
}

// wait returns when the process has exited. It costs a thread.
func (m *mainProcess) wait() Result {
	defer func() { _ = windows.CloseHandle(m.handle) }()
	var code uint32
	_, err := windows.WaitForSingleObject(m.handle, windows.INFINITE)
	if err == nil {
		err = windows.GetExitCodeProcess(m.handle, &code)
	}
	switch {
	case err != nil:
		return Result{
			ExitCode: -1,
			Err:      fmt.Errorf("the exit of process %d could not be observed: %w", m.pid, err),
		}
	case code == killedCode:
		return Result{ExitCode: -1, Signal: "SIGKILL"}
	case code == controlCExit:
		return Result{ExitCode: -1, Signal: "SIGINT"}
	}
	return Result{ExitCode: int(code)}
}

// startTicks returns the creation time of a process in 100 ns since 1601; 0 where it can't be read.
func startTicks(process windows.Handle) uint64 {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	return uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
}
