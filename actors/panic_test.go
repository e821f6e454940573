package actors

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gusty/messages"
)

// answersWithin is how soon an asker hears that the actor it asked has failed. It is measured on a
// bubble's clock, which tells how long anybody waited and not how busy the machine is.
const answersWithin = 100 * time.Millisecond

func withNightly(w *world) {
	w.store.putJob(job("nightly", "0 0 3 * * *", "exit 0"), messages.JobState{})
}

func startedWorld(t *testing.T) *world {
	w := newWorld(t)
	withNightly(w)
	w.start()
	t.Cleanup(w.stop)
	return w
}

// answersOf are requests that only the named actor answers.
func answersOf(name string) any {
	switch name {
	case nameConfig:
		return messages.GetConfig{}
	case nameMetric:
		return messages.GetSample{}
	case nameScheduler:
		return messages.ListJobs{}
	case nameAccess:
		return messages.SetPassword{Name: "Admin", Hash: "new"}
	default:
		return messages.ExecuteCommand{Command: "exit 0", Timeout: time.Second}
	}
}

func members() []string {
	return []string{nameConfig, nameAccess, nameMetric, nameExecutors, nameScheduler}
}

func TestPanicAnswersTheAskerAndOthersGoOn(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, withNightly, func(w *world) {
				begun := time.Now()
				err := w.explode(name)
				if took := time.Since(begun); took > answersWithin {
					w.t.Errorf("the asker waited %s", took)
				}
				if messages.CodeOf(err) != messages.CodeUnavailable ||
					strings.Contains(err.Error(), "boom") {
					w.t.Errorf("the asker is told %v", err)
				}
				for _, other := range members() {
					ask[any](w, answersOf(other))
				}
				if stats := ask[messages.Stats](w, messages.GetStats{}); restartsOf(stats,
					name) != 1 {
					w.t.Errorf("the restart is not counted: %+v", stats.Actors)
				}
				if log := w.log.String(); !strings.Contains(log, "cause=boom") ||
					!strings.Contains(log, "actor="+name) {
					w.t.Errorf("the log does not tell the cause: %s", log)
				}
			})
		})
	}
}

func restartsOf(stats messages.Stats, name string) uint64 {
	for _, a := range stats.Actors {
		if a.Name == name {
			return a.Restarts
		}
	}
	return 0
}

func TestOthersAnswerWhileOneIsBusyFailing(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			w := startedWorld(t)
			letGo := w.holdUp(name)
			for _, other := range members() {
				if other != name && !(name == nameScheduler && other == nameExecutors) {
					ask[any](w, answersOf(other))
				}
			}
			ask[messages.Readiness](w, messages.GetReadiness{})
			ask[messages.Job](w, messages.GetJob{Name: "nightly"})
			letGo()
		})
	}
}

func TestStateComesBackFromTheStore(t *testing.T) {
	w := startedWorld(t)
	ask[messages.ParametersSet](w, messages.SetParameters{Values: []messages.ParameterValue{{
		Name:  messages.ParamLabels,
		Value: "rack=7",
	}}})
	ask[messages.PasswordSet](w, messages.SetPassword{Name: "Admin", Hash: "new"})
	next := w.add(job("hourly", "0 0 * * * *", "exit 0")).Next
	ask[messages.FiringSet](w, messages.SetFiring{On: false})
	running := ask[messages.RunAccepted](w, messages.ExecuteScript{
		Job:   job("long", "", "hang"),
		Async: true,
	}).Run
	w.awaitState(running.ID, messages.RunRunning)
	version := w.sys.Config().Version
	for _, name := range members() {
		_ = w.explode(name)
	}
	if config := ask[*messages.Config](w,
		messages.GetConfig{}); config.Text(messages.ParamLabels) != "rack=7" ||
		config.Version <= version {
		t.Errorf("the parameters are %q, version %d", config.Text(messages.ParamLabels),
			config.Version)
	}
	if got := w.sys.Access().Users["Admin"]; got == nil || got.Hash.Reveal() != "new" ||
		!got.Has(messages.ScopeAgent) {
		t.Errorf("the user is %+v", got)
	}
	standing := ask[messages.JobStanding](w, messages.GetJobState{Name: "hourly"})
	if !standing.Next.Equal(next) || standing.Firing {
		t.Errorf("the job stands %+v", standing)
	}
	if names := ask[messages.JobNames](w, messages.ListJobs{}); len(names.Names) != 2 {
		t.Errorf("the jobs are %v", names.Names)
	}
	w.sys.Stop(context.Background())
	if run, err := w.store.Run(running.ID); err != nil || run.State != messages.RunInterrupted {
		t.Errorf("the run is %+v, %v", run, err)
	}
}

func TestEveryAskIsAnsweredOnceWhilePanicsRain(t *testing.T) {
	inBubble(t, withNightly, func(w *world) {
		var asked, answered, failed atomic.Int64
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				for j := range 50 {
					name := members()[(i+j)%len(members())]
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					asked.Add(1)
					_, err := w.sys.Ask(ctx, answersOf(name))
					cancel()
					switch messages.CodeOf(err) {
					case messages.CodeTimeout, messages.CodeInternal:
						if err != nil {
							failed.Add(1)
							w.t.Errorf("%s: %v", name, err)
							continue
						}
					}
					answered.Add(1)
				}
			})
		}
		wait.Go(func() {
			for range 2 * maxRestarts / len(members()) * 2 {
				for _, name := range members() {
					_ = w.explode(name)
				}
			}
		})
		wait.Wait()
		if asked.Load() != answered.Load() {
			w.t.Errorf("%d of %d asks were answered, %d failed\n%s", answered.Load(), asked.Load(),
				failed.Load(), w.log)
		}
		select {
		case err := <-w.sys.Dead():
			w.t.Fatalf("the tree gave up: %v", err)
		default:
		}
	})
}

func TestAnActorThatKeepsFailingEndsTheProcess(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, withNightly, func(w *world) {
				for range maxRestarts + 1 {
					if err := w.explode(name); messages.CodeOf(err) != messages.CodeUnavailable {
						w.t.Fatalf("the asker is told %v", err)
					}
				}
				err := deadline(w.t, w.sys.Dead())
				var gaveUp *GaveUpError
				if !errors.As(err, &gaveUp) || gaveUp.Actor != name ||
					!strings.Contains(err.Error(), "boom") {
					w.t.Errorf("the cause is %v", err)
				}
				begun := time.Now()
				e := refusalOf(w, answersOf(name))
				if e.Code != messages.CodeUnavailable || time.Since(begun) > answersWithin {
					w.t.Errorf("after that an asker is told %v, after %s", e, time.Since(begun))
				}
			})
		})
	}
}

func deadline[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came within 5 s")
		panic("unreachable")
	}
}

func TestAnActorThatFailsAtItsStartIsRestarted(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.bombs.failNextStarts(name, 3)
			w.start()
			defer w.stop()
			ask[any](w, answersOf(name))
			w.bombs.failNextStarts(name, 2)
			_ = w.explode(name)
			ask[any](w, answersOf(name))
		})
	}
}

func TestATreeThatCannotStartSaysWhy(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			defer w.store.close()
			w.bombs.failNextStarts(name, 1000)
			_, err := start(context.Background(), w.options, w.bombs.wrap)
			var gaveUp *GaveUpError
			if !errors.As(err, &gaveUp) || gaveUp.Actor != name {
				t.Errorf("Start gives %v", err)
			}
		})
	}
}

func TestTheGuardianEndsTheProcessWhenTheRootFails(t *testing.T) {
	w := startedWorld(t)
	if _, err := w.sys.requestOf(context.Background(), w.sys.agent, nameAgent, boom{}); err == nil {
		t.Error("the root took a bomb")
	}
	err := deadline(t, w.sys.Dead())
	var gaveUp *GaveUpError
	if !errors.As(err, &gaveUp) || gaveUp.Actor != nameAgent ||
		strings.Contains(err.Error(), "times in") {
		t.Errorf("the cause is %v", err)
	}
}

func TestAnExecutorThatFailsCostsItsRunAndIsBack(t *testing.T) {
	inBubble(t, withNightly, func(w *world) {
		w.add(job("a", "@yearly", "hang"))
		run := ask[messages.RunAccepted](w, messages.RunJob{Name: "a"}).Run
		w.awaitState(run.ID, messages.RunRunning)
		begun := time.Now()
		_, err := w.sys.requestOf(context.Background(), w.bombs.executor(), nameExecutor, boom{})
		if messages.CodeOf(err) != messages.CodeUnavailable || time.Since(begun) > answersWithin {
			w.t.Errorf("the asker is told %v, after %s", err, time.Since(begun))
		}
		if got := w.awaitState(run.ID, messages.RunInterrupted); got.Reason != "its executor "+
			"failed" {
			w.t.Errorf("the reason is %q", got.Reason)
		}
		again := ask[messages.RunAccepted](w, messages.RunJob{Name: "a"}).Run
		w.awaitState(again.ID, messages.RunRunning)
		ask[messages.Run](w, messages.CancelRun{ID: again.ID})
		w.awaitState(again.ID, messages.RunCancelled)
		w.expectIdle()
	})
}

// awaitState waits until the store has the run in the state.
func (w *world) awaitState(id string, state messages.RunState) messages.Run {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		run, err := w.store.Run(id)
		if err == nil && run.State == state {
			return run
		}
		if time.Now().After(end) {
			w.t.Fatalf("the run is %+v, %v\n%s", run, err, w.log)
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}

// expectIdle fails the test where a slot, an executor or an execution is left.
func (w *world) expectIdle() {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		books := w.books()
		if books == (booksNow{}) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("left over: %+v\n%s", books, w.log)
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}
