package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// How long an agent may take to say that it is ready, and to end after it was asked to. Both are
// far above what it needs: a slow machine shall not fail a test.
const (
	readyWithin = 30 * time.Second
	stopWithin  = 60 * time.Second
)

// Options say which agent is started and how.
type Options struct {
	Binary string   // of gustyd; see Build
	Dir    string   // the data directory; it may be empty or absent
	Port   int      // 0: a free one
	Args   []string // further flags
	Env    []string // added to this process's environment
}

// Process is a gustyd that serves.
type Process struct {
	Dir     string
	URL     string // https://127.0.0.1:<port>
	Port    int
	PID     int
	Begun   time.Time // right before the process was started
	command *exec.Cmd
	log     *Log
	done    chan struct{} // closed when the process has ended
}

// ExitError is an agent that ended before it was ready.
type ExitError struct {
	Code int
	Log  string // all that it wrote
}

// Error returns the exit code and what the agent wrote.
func (e *ExitError) Error() string {
	return fmt.Sprintf("gustyd ended with exit code %d before it was ready; it wrote:\n%s", e.Code,
		e.Log)
}

// Start starts an agent and waits until its log says "ready". An agent that ends before gives an
// *ExitError.
func Start(ctx context.Context, o Options) (*Process, error) {
	p, err := Launch(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx); err != nil {
		_ = p.Kill()
		return nil, err
	}
	return p, nil
}

// Launch starts an agent and does not wait for anything: for those who measure the start itself.
func Launch(ctx context.Context, o Options) (*Process, error) {
	port := o.Port
	if port == 0 {
		var err error
		if port, err = FreePort(ctx); err != nil {
			return nil, err
		}
	}
	args := append([]string{strconv.Itoa(port), "--data-dir", o.Dir, "--listen", "127.0.0.1"},
		o.Args...)
	p := &Process{
		Dir: o.Dir, Port: port, URL: fmt.Sprintf("https://127.0.0.1:%d", port), log: newLog(), done: make(chan struct{}),
		command: exec.Command(o.Binary, args...),
	}
	p.command.Env = append(os.Environ(), o.Env...)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	p.command.WaitDelay = 5 * time.Second // a script that outlives the agent may hold its pipes
	endWithParent(p.command)
	p.Begun = time.Now()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", o.Binary, err)
	}
	p.PID = p.command.Process.Pid
	go p.reap()
	return p, nil
}

func (p *Process) reap() {
	_ = p.command.Wait() // how it ended is read from ProcessState
	close(p.done)
}

func (p *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	select {
	case <-p.log.Ready():
		return nil
	case <-p.done:
		return &ExitError{Code: p.command.ProcessState.ExitCode(), Log: p.Log()}
	case <-ctx.Done():
		return fmt.Errorf("gustyd was not ready within %s; it wrote:\n%s", readyWithin, p.Log())
	}
}

// Log returns all that the agent has written so far.
func (p *Process) Log() string { return p.log.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends the agent a signal.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// Stop asks the agent to stop as a service manager does, waits for it and gives its exit code (-1:
// a signal ended it).
func (p *Process) Stop() (int, error) {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil &&
		!errors.Is(err, os.ErrProcessDone) {
		return -1, fmt.Errorf("asking gustyd to stop: %w", err)
	}
	return p.Wait()
}

// Kill ends the agent without a word to it, as a crash would, and waits until it is gone. An agent
// that has ended already is no error.
func (p *Process) Kill() error {
	select {
	case <-p.done: // on Windows the process can't even be named any more
		return nil
	default:
	}
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing gustyd: %w", err)
	}
	<-p.done
	return nil
}

// Wait waits, bounded, until the agent has ended by itself and gives its exit code. One that does
// not end is killed, which is an error.
func (p *Process) Wait() (int, error) {
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.command.ProcessState.ExitCode(), nil
	case <-timer.C:
		_ = p.Kill()
		return -1, fmt.Errorf("gustyd did not end within %s; it wrote:\n%s", stopWithin, p.Log())
	}
}

// Announced reads agent.json: what the agent tells other programs on the host.
func (p *Process) Announced() (pid int, url string, err error) {
	var announced struct {
		PID int    `json:"pid"`
		URL string `json:"url"`
	}
	data, err := os.ReadFile(filepath.Join(p.Dir, "agent.json"))
	if err != nil {
		return 0, "", err
	}
	err = json.Unmarshal(data, &announced)
	return announced.PID, announced.URL, err
}
