package actors

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// What a restart of the executors actor does to tasks in each of their states.
func TestARestartOfTheExecutorsSettlesEveryTask(t *testing.T) {
	inBubble(t, withSlots(2), func(w *world) {
		w.add(job("runs", "@yearly", "stubborn", overlapping(messages.OverlapQueue),
			func(o *messages.JobOptions) {
				o.KillGraceSeconds = 5
			}))
		w.add(job("fills", "@yearly", "stubborn", func(o *messages.JobOptions) {
			o.KillGraceSeconds = 5
		}))
		w.add(job("waits", "@yearly", "exit 0"))
		w.add(job("armed", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		running, held := w.runNow("runs"), w.runNow("runs")
		w.runNow("fills")
		w.runNow("waits")
		told := make(chan error, 1)
		go func() {
			_, err := w.sys.Ask(context.Background(), messages.ExecuteCommand{
				Command: "exit 0",
				Timeout: time.Minute,
			})
			told <- err
		}()
		synctest.Wait()
		_ = w.explode(nameExecutors)
		if err := <-told; messages.CodeOf(err) != messages.CodeUnavailable {
			t.Errorf("the asker of a waiting command is told %v", err)
		}
		w.advance(time.Second)
		if running, most := w.launcher.under(); running != 2 || most != 2 {
			t.Errorf("%d runs, %d at most: the slots of what is being ended are not counted",
				running, most)
		}
		w.advance(10 * time.Second)
		if got := w.stored(running.ID); got.State != messages.RunInterrupted ||
			got.Reason != "its executor was stopped" {
			t.Errorf("the run under way is %+v", got)
		}
		if got := w.stored(held.ID); got.State != messages.RunRunning {
			t.Errorf("the run held back is %+v", got)
		}
		w.expect("waits", messages.RunSucceeded, 1)
		w.expect("armed", messages.RunSucceeded, 1)
		w.expect(messages.CommandName, messages.RunInterrupted, 1)
		ask[messages.Run](w, messages.CancelRun{ID: held.ID})
		w.advance(10 * time.Second)
		w.expectIdle()
		w.expectStats(0)
	})
}

// expectStats fails the test where the counter of active runs is another.
func (w *world) expectStats(active uint64) {
	w.t.Helper()
	if stats := ask[messages.Stats](w, messages.GetStats{}); stats.Active != active {
		w.t.Errorf("%d runs count as active, not %d", stats.Active, active)
	}
}

// A restart while records are with a committer that stands still: whatever the load of the new
// instance sees, each run is carried out once.
func TestARestartOfTheExecutorsWhileRecordsAreOnTheirWay(t *testing.T) {
	for _, when := range []string{"before the start", "at the end", "with a retry", "cancelled"} {
		t.Run(when, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				w.add(job("a", "@yearly", "sleep 2", func(o *messages.JobOptions) {
					o.MaxRetries, o.RetryDelaySeconds = 1, 10
				}))
				w.add(job("b", "@yearly", "sleep 100"))
				w.add(job("f", "@yearly", "exit 1", func(o *messages.JobOptions) {
					o.MaxRetries, o.RetryDelaySeconds = 1, 10
				}))
				var unblock func()
				switch when {
				case "before the start":
					unblock = w.store.block()
					go func() {
						_, _ = w.sys.Ask(context.Background(), messages.RunJob{Name: "a"})
					}()
				case "at the end":
					w.runNow("a")
					unblock = w.store.block()
					w.advance(3 * time.Second)
				case "with a retry":
					unblock = w.blockOn("f")
				case "cancelled":
					run := w.runNow("b")
					unblock = w.store.block()
					ask[messages.Run](w, messages.CancelRun{ID: run.ID})
				}
				synctest.Wait()
				_ = w.explode(nameExecutors)
				synctest.Wait()
				unblock()
				w.advance(time.Minute)
				if when == "before the start" || when == "at the end" {
					w.expect("a", messages.RunSucceeded, 1)
				}
				if when == "with a retry" {
					w.expect("f", messages.RunFailed, 2)
				}
				if when == "cancelled" {
					w.expect("b", messages.RunCancelled, 1)
				}
				w.expect("", messages.RunQueued, 0)
				w.expect("", messages.RunRunning, 0)
				seen := map[string]bool{}
				for _, p := range w.launcher.of("") {
					if seen[p.run] {
						t.Errorf("the run %s of %s started twice", p.run, p.job)
					}
					seen[p.run] = true
				}
				w.expectIdle()
				w.expectStats(0)
			})
		})
	}
}

// blockOn runs a job and stands the committer still as soon as its process has started.
func (w *world) blockOn(name string) (unblock func()) {
	unblock = w.store.block()
	accepted := make(chan struct{})
	go func() {
		_, _ = w.sys.Ask(context.Background(), messages.RunJob{Name: name})
		close(accepted)
	}()
	synctest.Wait()
	unblock()
	<-accepted
	return w.store.block()
}

func TestRestartingTheActorsLosesNoRequest(t *testing.T) {
	w := startedWorld(t)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("job %d %d", i, j)
				_, err := w.sys.Ask(context.Background(), messages.PutJob{
					Job:    job(name, "@daily", "exit 0"),
					Expect: messages.ExpectAbsent,
				})
				if err == nil {
					_, err = w.sys.Ask(context.Background(), messages.GetJobState{Name: name})
				}
				if err == nil {
					_, err = w.sys.Ask(context.Background(), answersOf(members()[j%len(members())]))
				}
				if code := messages.CodeOf(err); err != nil && code != messages.CodeUnavailable {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	for range 10 {
		ask[messages.ActorsRestarted](w, messages.RestartActors{})
	}
	wait.Wait()
	if names := ask[messages.JobNames](w, messages.ListJobs{}).Names; len(names) != 8*20+1 {
		t.Errorf("%d jobs are known", len(names))
	}
	if stats := ask[messages.Stats](w, messages.GetStats{}); restartsOf(stats, nameScheduler) != 0 {
		t.Error("an asked-for restart counts as a failure")
	}
}

func TestRestartingTheActorsLeavesRunsAlone(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 10"))
		w.runNow("a")
		ask[messages.ActorsRestarted](w, messages.RestartActors{})
		w.advance(10 * time.Second)
		w.expect("a", messages.RunSucceeded, 1)
	})
}

func TestAPanicOfAnExecutorDoesNotOverlap(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "stubborn", overlapping(messages.OverlapQueue),
			func(o *messages.JobOptions) {
				o.KillGraceSeconds = 5
			}))
		first := w.runNow("a")
		_, _ = w.sys.requestOf(context.Background(), w.bombs.executor(), nameExecutor, boom{})
		synctest.Wait()
		second := w.runNow("a")
		if got := w.stored(second.ID); got.State != messages.RunQueued {
			t.Errorf("while the first ends, the second is %+v", got)
		}
		w.advance(6 * time.Second)
		if _, most := w.launcher.under(); most != 1 {
			t.Errorf("%d ran at once", most)
		}
		if got := w.stored(first.ID); got.State != messages.RunInterrupted {
			t.Errorf("the first is %+v", got)
		}
		ask[messages.Run](w, messages.CancelRun{ID: second.ID})
		w.advance(6 * time.Second)
		w.expectIdle()
	})
}

// An executor that took over a run, and starts only when that has ended and another executor has
// the next one, leaves that alone.
func TestAnExecutorThatStartsLateEndsNoRunOfAnother(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "stubborn", overlapping(messages.OverlapQueue),
			func(o *messages.JobOptions) {
				o.KillGraceSeconds = 5
			}))
		first := w.runNow("a")
		letGo := w.bombs.holdNextStart()
		_ = w.explode(nameExecutors)
		w.advance(6 * time.Second)
		if got := w.stored(first.ID); got.State != messages.RunInterrupted {
			t.Errorf("the first is %+v", got)
		}
		second := w.runNow("a")
		letGo()
		w.advance(6 * time.Second)
		if got := w.stored(second.ID); got.State != messages.RunRunning {
			t.Errorf("the second is %+v", got)
		}
		ask[messages.Run](w, messages.CancelRun{ID: second.ID})
		w.advance(6 * time.Second)
		w.expectIdle()
	})
}

func TestExecutorThatFailsAtItsStart(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "exit 0"))
		w.bombs.failNextStarts(nameExecutor, 1)
		run := w.runNow("a")
		w.advance(time.Second)
		// Whichever is faster has the task: the parent, who hears of the failure, or the executor,
		// which is up again.
		succeeded := 1
		switch got := w.stored(run.ID); {
		case got.State == messages.RunSucceeded:
			succeeded = 2
		case got.State != messages.RunFailed ||
			got.Reason != "its executor failed before it started":
			t.Errorf("the run is %+v", got)
		}
		w.runNow("a")
		w.expect("a", messages.RunSucceeded, succeeded)
		w.expectIdle()
	})
}

func TestExecutorThatNeverStarts(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "exit 0"))
		w.bombs.failNextStarts(nameExecutor, math.MaxInt)
		run := w.runNow("a")
		w.advance(time.Second)
		if got := w.stored(run.ID); got.State != messages.RunFailed ||
			got.Reason != "its executor failed before it started" {
			t.Errorf("the run is %+v", got)
		}
		w.bombs.failNextStarts(nameExecutor, 0)
		w.runNow("a")
		w.expect("a", messages.RunSucceeded, 1)
		w.expectIdle()
	})
}
