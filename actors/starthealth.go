package actors

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"gusty/internal/process"
	"gusty/messages"
)

// startHealth knows whether the host can start runs. A run that fails to start for want of
// something that every run needs makes it try by itself; while that fails the agent is not ready.
// It goes on trying, ever more rarely, since no run may be due for hours. A start that succeeds
// ends the state.
type startHealth struct {
	try func() error
	log *slog.Logger

	mu       sync.Mutex
	sentence string // why starts fail; empty: they do not
	since    time.Time
	failures uint64 // of runs, for a reason of the host
	pause    time.Duration
	timer    *time.Timer
	trying   bool
	stopped  bool
}

// componentStarts is what readiness shows beside the actors: whether runs can be started.
const (
	componentStarts = "run_starts"
	stateFailing    = "failing"
)

// How long startHealth waits from one trial to the next: at first, and at most.
const (
	trialSoon  = time.Second
	trialLater = 15 * time.Second
)

// started notes that a run was started.
func (h *startHealth) started() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recover()
}

// failed notes why a run was not started. What is the job's own fault says nothing of the host.
func (h *startHealth) failed(err error) {
	if !mayBeOfHost(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures++
	if h.trying || h.timer != nil || h.stopped {
		return
	}
	h.trying = true
	go h.trial()
}

// mayBeOfHost reports whether an error may come from a lack that other runs suffer from as well.
// The trial decides.
func mayBeOfHost(err error) bool {
	var start *process.StartError
	if errors.As(err, &start) && start.OfHost {
		return true
	}
	for _, lack := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// trial tries a start, and arms the next one where it fails.
func (h *startHealth) trial() {
	err := guarded(h.try)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trying = false
	if err == nil {
		h.recover()
		return
	}
	if h.sentence == "" {
		h.since, h.pause = time.Now(), trialSoon
		h.log.Error("the host can't start runs; the agent is not ready until it can", "error", err)
	}
	h.sentence = reasonOf(err)
	if !h.stopped {
		h.timer = time.AfterFunc(h.pause, h.again)
		h.pause = min(2*h.pause, trialLater)
	}
}

func (h *startHealth) again() {
	h.mu.Lock()
	idle := h.stopped || h.trying || h.timer == nil
	h.timer, h.trying = nil, h.trying || !idle
	h.mu.Unlock()
	if !idle {
		h.trial()
	}
}

func (h *startHealth) recover() {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if h.sentence != "" {
		h.log.Info("the host can start runs again", "failed_for_s",
			int64(time.Since(h.since).Seconds()))
	}
	h.sentence = ""
}

// standing returns why runs can't be started, empty where they can.
func (h *startHealth) standing() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sentence
}

func (h *startHealth) stats() messages.StartStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return messages.StartStats{Failing: h.sentence != "", Failures: h.failures}
}

// stop ends the trials.
func (h *startHealth) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
}
