package actors

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// A round of sampling: every collector is asked beside the actor, and the sample is
// published when all have answered, or without the slowest.

func (a *metricActor) beginRound(ctx actor.Context) {
	a.round++
	for i := range a.sources {
		src := &a.sources[i]
		src.pending = false
		switch {
		case src.done:
		case src.busy.Swap(true):
			src.stale = true // still hangs in an earlier round
		default:
			src.pending = true
			a.collect(ctx, i, a.round)
		}
	}
	a.grace = a.after(ctx, roundGrace, graceOver{a.round})
	if !a.isPending() {
		a.publish()
	}
	a.sampling = a.after(ctx, a.config.Seconds(messages.ParamMetricInterval), sampleDue{a.round})
}

// isPending reports whether an answer of this round may still come.
func (a *metricActor) isPending() bool {
	for i := range a.sources {
		if a.sources[i].pending {
			return true
		}
	}
	return false
}

// collect runs one collector beside the actor. A result that comes after the deadline is dropped.
func (a *metricActor) collect(ctx actor.Context, index int, round uint64) {
	src, self, root := a.sources[index], ctx.Self(), a.system.actors.Root
	result := make(chan collected, 1)
	life := a.life
	bound, cancel := context.WithTimeout(life, src.Deadline)
	go func() {
		got := collected{source: index, round: round}
		got.err = guarded(func() (err error) {
			got.apply, err = src.Collect(bound)
			return err
		})
		src.busy.Store(false)
		result <- got
	}()
	go func() {
		defer cancel()
		select {
		case got := <-result:
			root.Send(self, got)
		case <-bound.Done():
			if life.Err() != nil {
				return // nobody is there to hear
			}
			root.Send(self, collected{source: index, round: round, err: bound.Err()})
		}
	}()
}

func (a *metricActor) onCollected(m collected) {
	src := &a.sources[m.source]
	if m.round != a.round || !src.pending {
		return
	}
	src.pending = false
	err := m.err
	if err == nil {
		err = guarded(func() error { m.apply(&a.figures); return nil })
	}
	if err != nil {
		a.noteStale(src, err)
	} else {
		src.stale, src.done = false, src.Once
	}
	if !a.isPending() {
		a.publish()
	}
}

// noteStale logs the first of a row of failures.
func (a *metricActor) noteStale(src *source, err error) {
	if !src.stale {
		a.system.log.Warn("a figure of the host is stale", "actor", nameMetric, "collector",
			src.Name, "error", err)
	}
	src.stale = true
}

func (a *metricActor) onGraceOver(m graceOver) {
	if m.round == a.round && a.isPending() {
		a.publish()
	}
}

func (a *metricActor) publish() {
	var stale []string
	for i := range a.sources {
		if a.sources[i].stale || a.sources[i].pending {
			stale = append(stale, a.sources[i].Name)
		}
	}
	a.system.figures = a.figures
	a.sample = sampleOf(&a.figures, stale, time.Now())
	for _, asker := range a.waiting {
		a.system.answer(asker, a.sample)
	}
	a.waiting = nil
	if !a.isPending() {
		a.grace.Stop()
	}
	a.system.roundOver()
}

// String names the collector, not what it found.
func (m collected) String() string { return fmt.Sprintf("collected{source %d}", m.source) }
