package actors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

func overlapping(p messages.OverlapPolicy) func(*messages.JobOptions) {
	return func(o *messages.JobOptions) { o.OverlapPolicy = p }
}

// runNow runs a stored job outside its schedule.
func (w *world) runNow(name string) messages.Run {
	w.t.Helper()
	run := ask[messages.RunAccepted](w, messages.RunJob{
		Name:   name,
		Origin: messages.Origin{Principal: "ann"},
	}).Run
	if w.bubble {
		w.advance(time.Millisecond)
	}
	return run
}

func (w *world) stored(id string) messages.Run {
	w.t.Helper()
	run, err := w.store.Run(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

func TestOverlapSkip(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 10"))
		first := w.runNow("a")
		second := w.runNow("a")
		if got := w.stored(second.ID); got.State != messages.RunSkipped ||
			got.Reason != "previous run still active (run "+first.ID+")" {
			t.Errorf("the second is %+v", got)
		}
		w.advance(11 * time.Second)
		w.expect("a", messages.RunSucceeded, 1)
		w.expectIdle()
	})
}

func TestOverlapQueue(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 10", overlapping(messages.OverlapQueue)))
		first, second, third := w.runNow("a"), w.runNow("a"), w.runNow("a")
		if got := w.stored(third.ID); got.State != messages.RunSkipped ||
			!strings.Contains(got.Reason, first.ID) || !strings.Contains(got.Reason, second.ID) {
			t.Errorf("the third is %+v", got)
		}
		if got := w.stored(second.ID); got.State != messages.RunQueued || got.Armed {
			t.Errorf("the second waits as %+v", got)
		}
		w.advance(25 * time.Second)
		runs := w.expect("a", messages.RunSucceeded, 2)
		if gap := runs[1].StartedAt.Sub(runs[0].EndedAt); gap < 0 || gap > time.Millisecond {
			t.Errorf("the second started %s after the end of the first", gap)
		}
		w.expectIdle()
	})
}

func TestOverlapAllow(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 10", overlapping(messages.OverlapAllow)))
		for range 5 {
			w.runNow("a")
		}
		if running, _ := w.launcher.under(); running != 5 {
			t.Errorf("%d run at once", running)
		}
		w.advance(11 * time.Second)
		w.expect("a", messages.RunSucceeded, 5)
		w.expectIdle()
	})
}

func TestOverlapReplace(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "stubborn", overlapping(messages.OverlapReplace),
			func(o *messages.JobOptions) {
				o.KillGraceSeconds = 5
			}))
		first, second, third := w.runNow("a"), w.runNow("a"), w.runNow("a")
		if got := w.stored(second.ID); got.State != messages.RunSkipped ||
			got.Reason != "replaced by run "+third.ID {
			t.Errorf("the second is %+v", got)
		}
		w.advance(6 * time.Second)
		if got := w.stored(first.ID); got.State != messages.RunCancelled ||
			got.Reason != "replaced by run "+second.ID || got.Signal != "SIGKILL" {
			t.Errorf("the first is %+v", got)
		}
		if got := w.stored(third.ID); got.State != messages.RunRunning {
			t.Errorf("the third is %+v", got)
		}
		if _, most := w.launcher.under(); most != 1 {
			t.Errorf("%d ran at once", most)
		}
		ask[messages.Run](w, messages.CancelRun{ID: third.ID})
		w.advance(6 * time.Second)
		w.expectIdle()
	})
}

func withSlots(n int) func(*world) {
	return func(w *world) { w.store.parameters[messages.ParamMaxConcurrentRuns] = fmt.Sprint(n) }
}

func TestTheCapHoldsInDueOrder(t *testing.T) {
	inBubble(t, withSlots(3), func(w *world) {
		for i := range 20 {
			w.add(job(fmt.Sprintf("job %02d", i), fmt.Sprintf("%d 0 1 * * *", i), "sleep 30"))
		}
		w.advance(time.Hour + 10*time.Minute)
		if _, most := w.launcher.under(); most != 3 {
			t.Errorf("%d ran at once", most)
		}
		for i, p := range w.launcher.of("") {
			if p.job != fmt.Sprintf("job %02d", i) {
				t.Errorf("%s started as number %d", p.job, i)
			}
		}
		w.expect("", messages.RunSucceeded, 20)
		w.expectIdle()
	})
}

// One that has waited for so long that its record says so is not overtaken by one that has come
// just now.
func TestALongWaitKeepsItsPlace(t *testing.T) {
	inBubble(t, withSlots(1), func(w *world) {
		for name, second := range map[string]int{"first": 0, "second": 1, "third": 29} {
			w.add(job(name, fmt.Sprintf("%d 0 1 * * *", second), "sleep 30"))
		}
		w.advance(time.Hour + 10*time.Minute)
		var names []string
		for _, p := range w.launcher.of("") {
			names = append(names, p.job)
		}
		if !slices.Equal(names, []string{"first", "second", "third"}) {
			t.Errorf("they started in the order %v", names)
		}
		w.expectIdle()
	})
}

func TestTheCapChangesLive(t *testing.T) {
	inBubble(t, withSlots(1), func(w *world) {
		w.add(job("a", "@yearly", "hang", overlapping(messages.OverlapAllow)))
		for range 4 {
			w.runNow("a")
		}
		if running, _ := w.launcher.under(); running != 1 {
			t.Errorf("%d run", running)
		}
		ask[messages.ParametersSet](w, messages.SetParameters{Values: []messages.ParameterValue{{
			Name:  messages.ParamMaxConcurrentRuns,
			Value: "3",
		}}})
		w.advance(time.Millisecond)
		if running, _ := w.launcher.under(); running != 3 {
			t.Errorf("%d run", running)
		}
	})
}

func TestAHangingJobDelaysNoOther(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("hangs", "0 * * * * *", "hang"))
		w.add(job("works", "0 * * * * *", "exit 0"))
		w.advance(10*time.Minute + time.Second)
		w.checkTimes("works", w.expect("works", messages.RunSucceeded, 10))
		w.expect("hangs", messages.RunRunning, 1)
		w.expect("hangs", messages.RunSkipped, 9)
	})
}

func TestRetriesDouble(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "exit 1", func(o *messages.JobOptions) {
			o.MaxRetries, o.RetryDelaySeconds = 3, 10
		}))
		w.runNow("a")
		w.advance(5 * time.Minute)
		runs := w.expect("a", messages.RunFailed, 4)
		delay := 10 * time.Second
		for i, r := range runs {
			if r.Attempt != i+1 || r.Reason != "it exited with 1" {
				t.Errorf("attempt %d is %+v", i+1, r)
			}
			if i == 0 {
				continue
			}
			if waited := r.StartedAt.Sub(runs[i-1].EndedAt); r.Trigger != messages.TriggerRetry ||
				waited < delay/2 || waited > delay+time.Second {
				t.Errorf("attempt %d came after %s", i+1, waited)
			}
			delay *= 2
		}
		w.expectIdle()
	})
}

func TestRetryDelay(t *testing.T) {
	for _, c := range []struct {
		attempt     int
		least, most time.Duration
	}{{1, 5 * time.Second, 10 * time.Second}, {2, 10 * time.Second, 20 * time.Second}, {
		50,
		30 * time.Minute, time.Hour,
	}} {
		if got := retryDelay(10*time.Second, c.attempt, 0); got != c.least {
			t.Errorf("attempt %d: at least %s", c.attempt, got)
		}
		if got := retryDelay(10*time.Second, c.attempt, 1); got != c.most {
			t.Errorf("attempt %d: at most %s", c.attempt, got)
		}
	}
}

func TestAWaitingRetrySurvivesACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "exit 1", func(o *messages.JobOptions) {
			o.MaxRetries, o.RetryDelaySeconds = 1, 60
		}))
		w.runNow("a")
		w.expect("a", messages.RunQueued, 1)
		next := w.restartAfterCrash(5 * time.Second)
		defer next.stop()
		next.expect("a", messages.RunQueued, 1)
		next.advance(time.Minute)
		for _, r := range next.expect("a", messages.RunFailed, 2)[1:] {
			if r.Attempt != 2 || r.StartedAt.Before(r.DueAt) {
				t.Errorf("the retry is %+v", r)
			}
		}
		next.expectIdle()
	})
}

func TestAQueuedOverlapResumesAfterACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 100", overlapping(messages.OverlapQueue)))
		first, second := w.runNow("a"), w.runNow("a")
		next := w.restartAfterCrash(5 * time.Second)
		defer next.stop()
		next.advance(101 * time.Second)
		if got := next.stored(first.ID); got.State != messages.RunInterrupted ||
			!strings.Contains(got.Reason, "while it ran") {
			t.Errorf("the first is %+v", got)
		}
		if got := next.stored(second.ID); got.State != messages.RunSucceeded {
			t.Errorf("the second is %+v", got)
		}
	})
}

func TestTimeout(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		limits := func(o *messages.JobOptions) { o.TimeoutSeconds, o.KillGraceSeconds = 20, 5 }
		w.add(job("meek", "@yearly", "hang", limits))
		w.add(job("stubborn", "@yearly", "stubborn", limits))
		w.runNow("meek")
		w.runNow("stubborn")
		w.advance(30 * time.Second)
		for name, took := range map[string]time.Duration{
			"meek":     20 * time.Second,
			"stubborn": 25 * time.Second,
		} {
			if r := w.expect(name, messages.RunTimedOut, 1)[0]; r.Duration(time.Now()) != took ||
				r.Reason != "it ran longer than 20 s" || r.ExitCode != nil {
				t.Errorf("%s: %+v", name, r)
			}
		}
		finished := ask[messages.RunFinished](w, messages.ExecuteCommand{
			Command: "hang",
			Timeout: 7 * time.Second,
		})
		if finished.Run.State != messages.RunTimedOut {
			t.Errorf("the command is %+v", finished.Run)
		}
		w.expectIdle()
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, withSlots(1), func(w *world) {
		w.add(job("a", "@yearly", "hang", overlapping(messages.OverlapQueue)))
		w.add(job("b", "@yearly", "hang"))
		running, queued := w.runNow("a"), w.runNow("b")
		cancel := func(id string) messages.Run {
			return ask[messages.Run](w, messages.CancelRun{
				ID:     id,
				Origin: messages.Origin{Principal: "bob"},
			})
		}
		if got := cancel(queued.ID); got.State != messages.RunCancelled ||
			got.Reason != "cancelled by bob" {
			t.Errorf("queued for a slot: %+v", got)
		}
		ask[messages.ParametersSet](w, messages.SetParameters{Values: []messages.ParameterValue{{
			Name:  messages.ParamMaxConcurrentRuns,
			Value: "2",
		}}})
		held := w.runNow("a")
		if got := cancel(held.ID); got.State != messages.RunCancelled {
			t.Errorf("held back: %+v", got)
		}
		next := w.runNow("a")
		w.advance(time.Millisecond)
		if got := w.stored(next.ID); got.State != messages.RunQueued {
			t.Errorf("after the one held back is cancelled, the next is %+v", got)
		}
		if got := cancel(running.ID); got.State != messages.RunRunning {
			t.Errorf("running: %+v", got)
		}
		w.advance(time.Millisecond)
		if got := w.stored(running.ID); got.State != messages.RunCancelled ||
			got.Reason != "cancelled by bob" {
			t.Errorf("ended: %+v", got)
		}
		for id, want := range map[string]messages.Code{
			running.ID: messages.CodeConflict, queued.ID: messages.CodeConflict,
			"unknown": messages.CodeNotFound,
		} {
			if e := refusalOf(w, messages.CancelRun{ID: id}); e.Code != want {
				t.Errorf("%s: %v", id, e)
			}
		}
		cancel(next.ID)
		w.advance(time.Millisecond)
		w.expectIdle()
	})
}

func TestExecuteReplies(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		done := ask[messages.RunFinished](w, messages.ExecuteCommand{Command: "print hello"})
		if string(done.Stdout) != "hello" || done.Run.State != messages.RunSucceeded ||
			done.Run.ScriptName != messages.CommandName {
			t.Errorf("the command: %+v", done)
		}
		if done = ask[messages.RunFinished](w,
			messages.ExecuteScript{Job: job("s", "", "exit 3")}); done.Run.ExitCode == nil ||
			*done.Run.ExitCode != 3 {
			t.Errorf("the script: %+v", done)
		}
		accepted := ask[messages.RunAccepted](w, messages.ExecuteScript{
			Job:   job("s", "", "sleep 5"),
			Async: true,
		}).Run
		if accepted.State != messages.RunQueued {
			t.Errorf("the script in the background: %+v", accepted)
		}
		w.advance(6 * time.Second)
		if got := w.stored(accepted.ID); got.State != messages.RunSucceeded {
			t.Errorf("the script in the background: %+v", got)
		}
		bad := job("s", "", "exit 0")
		bad.Arguments = "'open"
		if e := refusalOf(w, messages.ExecuteScript{Job: bad}); e.Field != "arguments" {
			t.Errorf("bad arguments: %v", e)
		}
		if e := refusalOf(w, messages.RunJob{Name: "nobody"}); e.Code != messages.CodeNotFound {
			t.Errorf("an unknown job: %v", e)
		}
		w.store.refuseWith(func(messages.Change) error {
			return messages.Errorf(messages.CodeStorageFull, "full")
		})
		if e := refusalOf(w,
			messages.ExecuteCommand{Command: "print never"}); e.Code != messages.CodeStorageFull {
			t.Errorf("a full disk: %v", e)
		}
		if n := len(w.launcher.of(messages.CommandName)); n != 1 {
			t.Errorf("%d commands ran", n)
		}
		w.store.refuseWith(nil)
		w.expectIdle()
	})
}

func TestAnAskerThatLeavesDoesNotEndTheRun(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := w.sys.Ask(ctx, messages.ExecuteCommand{Command: "sleep 5"})
		if messages.CodeOf(err) != messages.CodeTimeout {
			t.Errorf("the asker is told %v", err)
		}
		w.advance(5 * time.Second)
		w.expect(messages.CommandName, messages.RunSucceeded, 1)
	})
}

func TestWhatCannotBeStarted(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for script, reason := range map[string]string{
			"absent": "bash was not found in PATH",
			"broken": "it could not be started; the log has the cause under this run's id",
			"burst":  "a fault of the agent's own; the log has it under this run's id",
		} {
			w.add(job(script, "@yearly", script))
			w.runNow(script)
			if r := w.expect(script, messages.RunFailed, 1)[0]; r.Reason != reason ||
				!r.StartedAt.IsZero() {
				t.Errorf("%s: %+v", script, r)
			}
		}
		if log := w.log.String(); !strings.Contains(log, "secret detail") ||
			!strings.Contains(log, "the launcher burst") {
			t.Error("the log does not tell the causes")
		}
		for id, o := range w.store.outputs {
			if o.closed != 1 {
				t.Errorf("the output of %s was closed %d times", id, o.closed)
			}
		}
		w.expectIdle()
	})
}

func TestAJobDeletedWhileItsRunWaits(t *testing.T) {
	inBubble(t, withSlots(1), func(w *world) {
		w.add(job("long", "@yearly", "sleep 60"))
		w.add(job("gone", "@yearly", "exit 0"))
		w.runNow("long")
		waits := w.runNow("gone")
		ask[messages.JobDeleted](w, messages.DeleteJob{Name: "gone"})
		w.advance(2 * time.Minute)
		if got := w.stored(waits.ID); got.State != messages.RunSkipped || got.Reason != whyDeleted {
			t.Errorf("it is %+v", got)
		}
		if n := len(w.launcher.of("gone")); n != 0 {
			t.Error("it ran")
		}
		w.expectIdle()
	})
}

func TestARunUnderWayOutlivesItsJob(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "sleep 10"))
		w.runNow("a")
		ask[messages.JobDeleted](w, messages.DeleteJob{Name: "a"})
		w.advance(11 * time.Second)
		w.expect("a", messages.RunSucceeded, 1)
	})
}

func TestDrainAtStop(t *testing.T) {
	inBubble(t, withSlots(3), func(w *world) {
		w.options.StopGrace = 3 * time.Second
		w.add(job("short", "@yearly", "sleep 2"))
		w.add(job("long", "@yearly", "hang"))
		w.add(job("armed", "0 * * * * *", "exit 0"))
		w.add(job("waits", "@yearly", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		w.runNow("short")
		w.runNow("long")
		replies := make(chan error, 2)
		for range 2 {
			go func() {
				reply, err := w.sys.Ask(context.Background(), messages.ExecuteCommand{
					Command: "stubborn",
					Timeout: time.Minute,
				})
				if done, ok := reply.(messages.RunFinished); ok &&
					done.Run.State != messages.RunInterrupted {
					err = fmt.Errorf("it is told %+v", done.Run)
				}
				replies <- err
			}()
		}
		synctest.Wait()
		w.runNow("waits")
		begun := time.Now()
		w.sys.Stop(context.Background())
		if took := time.Since(begun); took > 3*time.Second+killGraceAtStop+time.Millisecond {
			t.Errorf("the stop took %s", took)
		}
		for range 2 {
			if err := <-replies; err != nil {
				t.Errorf("an asker: %v", err)
			}
		}
		w.expect("short", messages.RunSucceeded, 1)
		w.expect("long", messages.RunInterrupted, 1)
		w.expect("", messages.RunRunning, 0)
		for _, name := range []string{"armed", "waits"} {
			w.expect(name, messages.RunQueued, 1)
			for _, run := range w.store.runsOf(name) {
				if run.Armed {
					t.Errorf("the row of %s says that it starts", name)
				}
			}
		}
		if n := len(w.sys.live.all()); n != 0 {
			t.Errorf("%d executions are left", n)
		}
		if e := refusalOf(w, messages.ListJobs{}); e.Code != messages.CodeUnavailable {
			t.Errorf("after the stop: %v", e)
		}
	})
}

func TestRecoveryAfterACrash(t *testing.T) {
	for _, policy := range []string{"kill", "leave"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.bubble = true
			w.store.parameters[messages.ParamOrphanPolicy] = policy
			w.store.putJob(job("a", "@yearly", "exit 0"), messages.JobState{})
			now := time.Now()
			run := func(change func(*messages.Run)) string {
				r := new(System).newRun("a", messages.RunOfJob, "ann")
				change(&r)
				w.store.putRun(r)
				return r.ID
			}
			running := run(func(r *messages.Run) {
				r.State, r.Armed, r.StartedAt, r.PID, r.PIDStart =
					messages.RunRunning, false, now, 99, 5
			})
			armed := run(func(*messages.Run) {})
			waits := run(func(r *messages.Run) { r.Armed, r.DueAt = false, now.Add(-time.Minute) })
			ahead := run(func(r *messages.Run) { r.DueAt = now.Add(time.Second) })
			script := run(func(r *messages.Run) { r.Kind, r.Armed = messages.RunOfScript, false })
			gone := run(func(r *messages.Run) { r.ScriptName, r.Armed = "gone", false })
			w.start()
			defer w.stop()
			w.advance(2 * time.Second)
			for id, state := range map[string]messages.RunState{
				running: messages.RunInterrupted, armed: messages.RunInterrupted,
				waits: messages.RunSucceeded, ahead: messages.RunSucceeded,
				script: messages.RunInterrupted, gone: messages.RunSkipped,
			} {
				if got := w.stored(id); got.State != state || got.EndedAt.IsZero() || got.Armed {
					t.Errorf("%s: it is %+v", state, got)
				}
			}
			if n := len(w.launcher.orphans); policy == "kill" && n != 2 || policy == "leave" &&
				n != 0 {
				t.Errorf("%s: %d orphans were ended", policy, n)
			}
			w.expectIdle()
		})
	}
}
