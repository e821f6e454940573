package service

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/windows/svc"
)

// The times that the service control manager waits for before it reports a pending start or stop as
// hung.
const (
	startHint = 60 * time.Second
	stopHint  = 60 * time.Second
)

// Run runs main until it returns: under the service control manager where that started this
// process, as the service of the given name, else as it is. The manager's stop, and the system's
// shutdown, end ctx. A service that returns a code other than 0 is reported as stopped with that
// code, which restarts it where its recovery options say so for stops with errors (sc failureflag
// <name> 1).
func Run(ctx context.Context, name string, main Main) (exitCode int, err error) {
	managed, err := svc.IsWindowsService()
	if err != nil {
		return 1, fmt.Errorf("find out whether this is a service: %w", err)
	}
	if !managed {
		return main(ctx, &Manager{}), nil
	}
	h := &handler{ctx: ctx, main: main}
	if err := svc.Run(name, h); err != nil {
		return 1, fmt.Errorf("run as the service %s: %w", name, err)
	}
	return h.exitCode, nil
}

// handler runs main as a service.
type handler struct {
	ctx      context.Context //nolint:containedctx // svc.Handler has no place for it
	main     Main
	exitCode int
}

// Execute is called by package svc on its own goroutine; it reads requests until main has returned.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest,
	changes chan<- svc.Status,
) (specific bool, code uint32) {
	changes <- svc.Status{State: svc.StartPending, WaitHint: milliseconds(startHint)}
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	ended, states := make(chan struct{}), make(chan svc.Status)
	go func() {
		defer close(ended)
		h.exitCode = h.main(ctx, &Manager{states: states, ended: ended})
	}()
	h.converse(requests, states, changes, ended, stop)
	return h.exitCode != 0, uint32(h.exitCode)
}

// converse passes on what the daemon says of itself, and what the manager asks, until the daemon
// has ended. Each step of a pending stop counts up, which is how the manager tells a slow one from
// a hung one.
func (h *handler) converse(requests <-chan svc.ChangeRequest, states <-chan svc.Status,
	changes chan<- svc.Status, ended <-chan struct{},
	stop context.CancelFunc,
) {
	stopping, step := false, uint32(0)
	for {
		select {
		case <-ended:
			return
		case state := <-states:
			if state.State == svc.StopPending {
				stopping, step = true, step+1
				state.CheckPoint = step
			}
			if !stopping || state.State == svc.StopPending {
				changes <- state
			}
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				changes <- request.CurrentStatus
			case svc.Stop, svc.Shutdown:
				stopping = true
				changes <- stopPending(stopHint)
				stop()
			}
		}
	}
}

func stopPending(hint time.Duration) svc.Status {
	return svc.Status{State: svc.StopPending, WaitHint: milliseconds(hint)}
}

func milliseconds(d time.Duration) uint32 { return uint32(min(d.Milliseconds(), 1<<31)) }
