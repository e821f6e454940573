package process

import "time"

// Result is how a run ended and what it used.
type Result struct {
	// ExitCode is the main process's, 0 to 255 (Windows: 32 bits); -1 where a signal ended it.
	ExitCode int
	// Signal is the name of that signal ("SIGKILL"); empty where the process exited.
	Signal string
	// CPUUser and CPUSystem are of all processes of the run where it had a cgroup, else of the main
	// process and those it waited for.
	CPUUser, CPUSystem time.Duration
	// MaxRSSBytes is the peak of all processes together where a memory controller measured it.
	// Otherwise it is that of the largest process, and at least the agent's own: Linux counts the
	// moment between fork and exec, when both share their memory.
	MaxRSSBytes int64
	// Shortage is what is known of processes of the run that the kernel ended because memory ran
	// out.
	Shortage Shortage
	// Ended is when the main process was found to have exited.
	Ended time.Time
	// LeftRunning is how many processes of the run live on; 0 where Terminate, Kill or
	// KillRemaining ended it.
	LeftRunning int
	// Err tells of output that could not be captured, of a tree that could not be ended, or of an
	// exit that could not be observed.
	Err error

	counted bool // the run's own cgroup tells of such processes, or that there were none
}

// Succeeded reports whether the main process exited with 0.
func (r *Result) Succeeded() bool { return r.Signal == "" && r.ExitCode == 0 }
