package actors

import (
	"strings"
	"testing"
	"time"

	"gusty/internal/hostclock"
	"gusty/messages"
)

// setClock is a host whose time since boot a test moves against its wall clock, as if that had been
// set.
type setClock struct {
	begun time.Time
	set   time.Duration
}

func (c *setClock) sinceBoot() time.Duration { return time.Since(c.begun) - c.set }

func inClockBubble(t *testing.T, test func(*world, *setClock)) {
	t.Helper()
	clock := &setClock{}
	inBubble(t, func(w *world) {
		clock.begun = time.Now()
		w.options.SinceBoot = clock.sinceBoot
	}, func(w *world) { test(w, clock) })
}

func TestAfterALargeStepBackAllIsPlannedAnew(t *testing.T) {
	inClockBubble(t, func(w *world, clock *setClock) {
		w.add(job("a", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		armed := w.expect("a", messages.RunQueued, 1)[0]
		clock.set -= 4 * time.Hour
		w.sys.ClockSet()
		w.advance(2 * time.Second)
		if got := w.stored(armed.ID); got.State != messages.RunSkipped ||
			got.Reason != whyClockSet {
			t.Errorf("what was armed by the old clock is %+v", got)
		}
		if again := w.expect("a", messages.RunSucceeded, 1)[0]; !again.DueAt.Equal(armed.DueAt) {
			t.Errorf("what is planned anew is %+v", again)
		}
	})
}

func TestAfterASmallStepBackThePlanStays(t *testing.T) {
	inClockBubble(t, func(w *world, clock *setClock) {
		w.add(job("a", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		clock.set -= 2 * time.Hour
		w.sys.ClockSet()
		w.advance(time.Minute)
		w.expect("a", messages.RunSucceeded, 1)
		w.expect("a", messages.RunSkipped, 0)
	})
}

// leap lets the clock be set forward: time passes that the host's time since boot knows nothing of,
// and that no actor notices.
func (w *world) leap(clock *setClock, by time.Duration) {
	scheduler := w.holdUp(nameScheduler)
	w.advance(by)
	clock.set += by
	scheduler()
	w.advance(2 * time.Second)
}

func TestALargeStepForwardIsRecordedAndNotMadeUpFor(t *testing.T) {
	inClockBubble(t, func(w *world, clock *setClock) {
		w.add(job("a", "0 30 * * * *", "exit 0", withMisfire(messages.MisfireRunAll, 3600)))
		w.advance(time.Minute)
		w.leap(clock, 5*time.Hour)
		for _, r := range w.expect("a", messages.RunMissed, 5) {
			if !strings.HasPrefix(r.Reason, "the clock was set forward by 5h0m0s at ") {
				t.Errorf("it is %+v", r)
			}
		}
		w.expect("a", messages.RunSucceeded, 0)
		w.advance(time.Hour)
		w.expect("a", messages.RunSucceeded, 1)
	})
}

func TestASmallStepForwardIsLate(t *testing.T) {
	inClockBubble(t, func(w *world, clock *setClock) {
		w.add(job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 90)))
		w.advance(10 * time.Second)
		w.leap(clock, 4*time.Minute+30*time.Second)
		w.expect("a", messages.RunMissed, 3)
		w.expect("a", messages.RunSucceeded, 1)
	})
}

// What was armed when the clock was set is found by the executors, which know as well as the
// scheduler what happened.
func TestAnArmedFiringThatTheClockLeaptOverSaysSo(t *testing.T) {
	inClockBubble(t, func(w *world, clock *setClock) {
		w.add(job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 60)))
		w.advance(59*time.Second + 500*time.Millisecond)
		armed := w.expect("a", messages.RunQueued, 1)[0]
		executors := w.holdUp(nameExecutors)
		w.leap(clock, 5*time.Hour)
		executors()
		w.advance(time.Second)
		got := w.stored(armed.ID)
		if got.State != messages.RunMissed ||
			!strings.HasPrefix(got.Reason, "the clock was set forward by 5h0m0s at ") ||
			!strings.Contains(got.Reason, "1m0s are allowed") {
			t.Errorf("it is %s: %s", got.State, got.Reason)
		}
	})
}

func TestAnArmedFiringThatNobodyLookedAtSaysSo(t *testing.T) {
	inClockBubble(t, func(w *world, _ *setClock) {
		w.add(job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 60)))
		w.advance(59*time.Second + 500*time.Millisecond)
		armed := w.expect("a", messages.RunQueued, 1)[0]
		executors := w.holdUp(nameExecutors)
		w.advance(5 * time.Minute)
		executors()
		w.advance(time.Second)
		if got := w.stored(armed.ID); got.State != messages.RunMissed ||
			!strings.HasPrefix(got.Reason, "the agent was stopped, suspended or held up: ") {
			t.Errorf("it is %s: %s", got.State, got.Reason)
		}
	})
}

func TestWhyFiringsAreLate(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		change hostclock.Change
		want   string
	}{
		{hostclock.Change{Suspended: time.Hour}, "the host was suspended from 2026-05-01T12:00:00.000Z to 2026-05-01T13:00:00.000Z"},
		{hostclock.Change{Set: time.Hour}, "the clock was set forward by 1h0m0s at 2026-05-01T13:00:00.000Z"},
		{hostclock.Change{Awake: time.Hour}, "the agent was stopped, or held up, from 2026-05-01T12:00:00.000Z to 2026-05-01T13:00:00.000Z"},
		{hostclock.Change{Awake: time.Second}, "the firing was noticed too late, at 2026-05-01T13:00:00.000Z"},
	} {
		c.change.From, c.change.To = at, at.Add(time.Hour)
		if got := lateSince(c.change); got != c.want {
			t.Errorf("%+v: %q", c.change, got)
		}
	}
}
