package actors

import (
	"sync"
	"time"

	"gusty/messages"
)

// counters are what /metrics shows of scheduling and runs. One lock for all: they change a few
// times a firing.
type counters struct {
	mu        sync.Mutex
	scheduler messages.SchedulerStats
	runs      map[messages.RunState]uint64
	active    uint64
}

func newCounters() *counters {
	bounds := []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30}
	return &counters{
		scheduler: messages.SchedulerStats{Lag: messages.Histogram{
			Bounds: bounds,
			Counts: make([]uint64, len(bounds)+1),
		}},
		runs: map[messages.RunState]uint64{},
	}
}

func (c *counters) change(f func(*messages.SchedulerStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.scheduler)
}

// started counts a run under way, and its lag behind the due time where it has one.
func (c *counters) started(lag time.Duration, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active++
	if !due {
		return
	}
	h, seconds := &c.scheduler.Lag, max(0, lag.Seconds())
	i := 0
	for i < len(h.Bounds) && seconds > h.Bounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += seconds
}

// ended counts an outcome, as often as it happened; ran reports whether started was called for it.
func (c *counters) ended(run *messages.Run, ran bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[run.State] += uint64(run.Firings()) //nolint:gosec // a count
	if ran {
		c.active--
	}
}

func (c *counters) stats() messages.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := messages.Stats{
		Scheduler: c.scheduler,
		Active:    c.active,
		Runs:      make(map[messages.RunState]uint64, len(c.runs)),
	}
	s.Scheduler.Lag.Counts = append([]uint64(nil), c.scheduler.Lag.Counts...)
	for state, n := range c.runs {
		s.Runs[state] = n
	}
	return s
}
