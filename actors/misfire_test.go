package actors

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// downFor runs a job for two minutes, kills the agent, and starts it again after down.
func downFor(t *testing.T, j messages.Job, down time.Duration, check func(*world)) {
	t.Helper()
	inBubble(t, nil, func(w *world) {
		w.add(j)
		w.advance(2*time.Minute + 30*time.Second)
		next := w.restartAfterCrash(down)
		defer next.stop()
		next.advance(10 * time.Second)
		check(next)
	})
}

func withMisfire(p messages.MisfirePolicy, graceSeconds int) func(*messages.JobOptions) {
	return func(o *messages.JobOptions) {
		o.MisfirePolicy, o.MisfireGraceSeconds, o.OverlapPolicy =
			p, graceSeconds, messages.OverlapAllow
	}
}

func made(runs []messages.Run, by messages.Trigger) (n int) {
	for _, r := range runs {
		if r.Trigger == by {
			n++
		}
	}
	return n
}

func TestMissedFiringsGetARecordEach(t *testing.T) {
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 0)),
		5*time.Minute, func(w *world) {
			for i, r := range w.expect("a", messages.RunMissed, 5) {
				if r.DueAt.Minute() != 3+i ||
					!strings.HasPrefix(r.Reason, "the agent was down from ") {
					t.Errorf("missed %s: %s", stamp(r.DueAt), r.Reason)
				}
			}
			w.expect("a", messages.RunSucceeded, 2)
		})
}

func TestManyMissedFiringsGetOneRecordWithACount(t *testing.T) {
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 0)), 3*time.Hour,
		func(w *world) {
			missed := w.expect("a", messages.RunMissed, 1)
			if missed[0].Count != 180 || !strings.Contains(missed[0].Reason, "180 firings, the "+
				"first "+
				"at 2000-01-01T00:03:00.000Z") {
				t.Errorf("the record is %+v", missed[0])
			}
		})
}

func TestRunOnce(t *testing.T) {
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireRunOnce, 0)),
		3*time.Hour, func(w *world) {
			runs := w.expect("a", messages.RunSucceeded, 3)
			last := runs[len(runs)-1]
			if last.Trigger != messages.TriggerMisfire || last.DueAt.Hour() != 3 ||
				last.DueAt.Minute() != 2 {
				t.Errorf("what is made up for is %+v", last)
			}
		})
}

func TestRunAllStopsAtItsLimit(t *testing.T) {
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireRunAll, 0)),
		10*time.Minute, func(w *world) {
			if n := made(w.expect("a", messages.RunSucceeded, 12),
				messages.TriggerMisfire); n != 10 {
				t.Errorf("%d were made up for", n)
			}
		})
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireRunAll, 0)),
		10*time.Hour, func(w *world) {
			if n := made(w.expect("a", messages.RunSucceeded, 102),
				messages.TriggerMisfire); n != 100 {
				t.Errorf("%d were made up for", n)
			}
		})
}

func TestLateWithinGraceFires(t *testing.T) {
	downFor(t, job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 90)),
		2*time.Minute+10*time.Second, func(w *world) {
			w.expect("a", messages.RunMissed, 1) // 00:03 is 100 s ago, 00:04 is 40 s ago
			runs := w.expect("a", messages.RunSucceeded, 3)
			if late := runs[2]; late.Trigger != messages.TriggerSchedule ||
				late.DueAt.Minute() != 4 ||
				late.StartedAt.Sub(late.DueAt) > 45*time.Second {
				t.Errorf("the late one is %+v", late)
			}
		})
}

func TestASecondRestartFindsNothingLeft(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "0 * * * * *", "exit 0", withMisfire(messages.MisfireRunAll, 30)))
		w.advance(2*time.Minute + 30*time.Second)
		second := w.restartAfterCrash(20 * time.Minute)
		defer second.stop()
		second.advance(10 * time.Second)
		missed, succeeded := len(second.inState("a", messages.RunMissed)), len(second.inState("a",
			messages.RunSucceeded))
		third := second.restartAfterCrash(time.Second)
		defer third.stop()
		third.advance(time.Second)
		third.expect("a", messages.RunMissed, missed)
		third.expect("a", messages.RunSucceeded, succeeded)
	})
}

func TestAFiringThatWasArmedIsNotRunAgainAfterACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "0 * * * * *", "hang"))
		w.advance(59*time.Second + 500*time.Millisecond)
		w.expect("a", messages.RunQueued, 1)
		next := w.restartAfterCrash(time.Minute)
		defer next.stop()
		next.advance(time.Second)
		for _, r := range next.expect("a", messages.RunInterrupted, 1) {
			if r.DueAt.Minute() != 1 || !strings.Contains(r.Reason, "may have run") {
				t.Errorf("it is %+v", r)
			}
		}
		if n := len(next.launcher.of("a")); n != 1 { // 00:02, which is late within its grace
			t.Errorf("%d runs started:%s", n, describe(next.store.runsOf("a")))
		}
	})
}

func TestAFiringThatIsArmedAndStillAheadFiresOnceAfterACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 400*time.Millisecond)
		next := w.afterCrash()
		// Stopping the first took its time: this one's plan is of a firing that is past, which the
		// one armed ahead makes up.
		for id, r := range next.store.runs {
			r.DueAt = time.Now().Add(500 * time.Millisecond)
			next.store.runs[id] = r
			state := next.store.states["a"]
			state.PlannedThrough = r.DueAt
			next.store.states["a"] = state
		}
		next.start()
		defer next.stop()
		next.advance(2 * time.Second)
		next.checkTimes("a", next.expect("a", messages.RunSucceeded, 1))
	})
}

func TestCatchingUpIsBounded(t *testing.T) {
	prepare := func(w *world) {
		long := time.Date(1999, 6, 1, 0, 0, 0, 0, time.UTC)
		for i := range 200 {
			grace := []int{0, 60, messages.MaxMisfireGrace}[i%3]
			policy := []messages.MisfirePolicy{messages.MisfireSkip, messages.MisfireRunOnce}[i%2]
			j := job(fmt.Sprintf("job %d", i), "* * * * * *", "exit 0", withMisfire(policy, grace),
				func(o *messages.JobOptions) {
					o.OverlapPolicy = messages.OverlapSkip
				})
			w.store.putJob(j, messages.JobState{PlannedThrough: long, Anchor: long})
		}
	}
	begun := time.Now()
	inBubble(t, prepare, func(w *world) {
		synctest.Wait()
		missed := w.inState("", messages.RunMissed)
		if len(missed) != 200 || missed[0].Count < missedAtLeast ||
			!strings.HasPrefix(missed[0].Reason, "at least ") {
			t.Errorf("%d records, the first is %+v", len(missed), missed[0])
		}
		before := w.store.states["job 0"].PlannedThrough
		_ = w.explode(nameScheduler)
		w.advance(500 * time.Millisecond)
		if n := len(w.inState("", messages.RunMissed)); n != 200 || before.IsZero() {
			t.Errorf("after another start there are %d records", n)
		}
	})
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("catching up took %s", took)
	}
}

func TestLookBackCounts(t *testing.T) {
	p, err := parsePlan("* * * * * *", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	e := &jobEntry{plan: p}
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		back, grace    time.Duration
		limit          int
		missed, late   int
		partial, toEnd bool
	}{
		{10 * time.Second, -1, 1000, 10, 0, false, true},
		{10 * time.Second, 3 * time.Second, 1000, 6, 4, false, true},
		{time.Hour, -1, 1000, 1000, 0, true, true},
		{time.Hour, 5 * time.Second, 1000, 1000, 5, true, true},
		{time.Hour, time.Hour, 1000, 2000, 100, true, true},
		{0, -1, 1000, 0, 0, false, false},
	} {
		l := e.lookBack(now.Add(-c.back), now, c.grace, c.limit)
		if l.count != c.missed || len(l.late) != c.late || l.partial != c.partial ||
			l.last.Equal(now) != c.toEnd {
			t.Errorf("%+v: missed %d, late %d, partial %t, last %s", c, l.count, len(l.late),
				l.partial, stamp(l.last))
		}
	}
}
