package agent

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel kill the agent when the test that started it is killed, so that no
// aborted test leaves one behind.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
