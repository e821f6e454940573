package actors

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// A bubble's clock begins at midnight UTC, 1 January 2000, a Saturday.

func TestADayOfTicks(t *testing.T) {
	expected := map[string]int{
		"0 * * * * *":       24*60 - 1 + 1, // midnight itself is the start; the next midnight is the end
		"*/7 * * * *":       24 * 9,
		"0 30 4 * * *":      1,
		"15 0 */6 * * ?":    4,
		"@hourly":           24,
		"@every 90s":        24 * 40,
		"0 0 0 1 1 ? 2000":  0,
		"@daily":            1,
		"5-9/2 10 12 * * 7": 3, // Saturday
	}
	inBubble(t, nil, func(w *world) {
		names := map[string]string{}
		for expression := range expected {
			names[expression] = fmt.Sprintf("job %s", expression)
			j := job(names[expression], expression, "exit 0")
			j.Options.KeepRuns = 10_000
			w.add(j)
		}
		w.advance(24*time.Hour + 10*time.Millisecond)
		for expression, n := range expected {
			runs := w.expect(names[expression], messages.RunSucceeded, n)
			w.checkTimes(names[expression], runs)
		}
		w.checkArmedAhead()
		w.expectIdle()
	})
}

// checkTimes sees to it that each due time was fired once, and at its time.
func (w *world) checkTimes(name string, runs []messages.Run) {
	w.t.Helper()
	seen := map[time.Time]bool{}
	for _, r := range runs {
		if seen[r.DueAt] {
			w.t.Errorf("%s fired twice at %s", name, stamp(r.DueAt))
		}
		seen[r.DueAt] = true
		if !r.StartedAt.Equal(r.DueAt) {
			w.t.Errorf("%s was due at %s and started at %s", name, stamp(r.DueAt),
				stamp(r.StartedAt))
		}
	}
}

func eachRun(change messages.Change, each func(id string)) {
	for _, row := range change.Rows {
		if run, ok := row.(messages.RunRow); ok {
			each(run.Run.ID)
		}
	}
}

// checkArmedAhead sees to it that the record of each scheduled run was durable before its process
// started, and ahead of its time.
func (w *world) checkArmedAhead() {
	w.t.Helper()
	armed := map[string]commit{}
	w.store.eachCommit(func(c commit) {
		eachRun(c.change, func(id string) {
			if _, known := armed[id]; !known {
				armed[id] = c
			}
		})
	})
	for _, p := range w.launcher.of("") {
		c, known := armed[p.run]
		if !known || !c.at.Before(p.at) {
			w.t.Fatalf("the run %s of %s started at %s, its record is of %s", p.run, p.job,
				stamp(p.at), stamp(c.at))
		}
	}
}

func TestManyDueAtOneSecondShareAChange(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for i := range 100 {
			w.add(job(fmt.Sprintf("job %d", i), "0 0 1 * * *", "exit 0"))
		}
		before := 0
		w.store.eachCommit(func(commit) { before++ })
		w.advance(time.Hour - time.Millisecond)
		arming := 0
		w.store.eachCommit(func(c commit) {
			for _, row := range c.change.Rows {
				if run, ok := row.(messages.RunRow); ok && run.Run.Armed {
					arming++
					break
				}
			}
		})
		if arming != 1 {
			t.Errorf("100 firings of one second were recorded by %d changes", arming)
		}
		w.advance(time.Millisecond)
		if n := len(w.launcher.of("")); n != 100 {
			t.Errorf("%d processes started at the second", n)
		}
	})
}

func TestStoppingAllFiring(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.advance(2*time.Minute + time.Second)
		w.expect("minutely", messages.RunSucceeded, 2)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		w.advance(3 * time.Minute)
		w.expect("minutely", messages.RunSucceeded, 2)
		ask[messages.FiringSet](w, messages.SetFiring{On: true})
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSucceeded, 3)
		for _, r := range w.expect("minutely", messages.RunMissed, 3) {
			if r.Reason == "" || r.Trigger != messages.TriggerSchedule {
				t.Errorf("missed without a word: %+v", r)
			}
		}
	})
}

func TestStoppingFiringTakesBackWhatIsArmed(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		w.expect("minutely", messages.RunQueued, 1)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSkipped, 1)
		w.expect("minutely", messages.RunSucceeded, 0)
	})
}

func TestTheFiringSwitchSurvivesARestart(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		_ = w.explode(nameScheduler)
		w.advance(5 * time.Minute)
		w.expect("minutely", messages.RunSucceeded, 0)
	})
}

// To stop what is stopped already does not change since when it is.
func TestASecondStopKeepsTheTimeOfTheFirst(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.advance(10 * time.Second)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		w.advance(2 * time.Minute)
		ask[messages.FiringSet](w, messages.SetFiring{On: false})
		_ = w.explode(nameScheduler)
		ask[messages.FiringSet](w, messages.SetFiring{On: true})
		for _, r := range w.expect("minutely", messages.RunMissed, 2) {
			if !strings.Contains(r.Reason, "was stopped from 2000-01-01T00:00:10.000Z") {
				t.Errorf("the reason is %q", r.Reason)
			}
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond)
		standing := ask[messages.JobStanding](w, messages.SetJobPaused{
			Name:   "minutely",
			Paused: true,
		})
		if !standing.State.Paused {
			t.Errorf("it stands %+v", standing)
		}
		w.advance(2 * time.Minute)
		w.expect("minutely", messages.RunSucceeded, 0)
		w.expect("minutely", messages.RunSkipped, 1)
		if standing = ask[messages.JobStanding](w,
			messages.SetJobPaused{Name: "minutely"}); standing.State.Paused {
			t.Errorf("it stands %+v", standing)
		}
		w.expect("minutely", messages.RunMissed, 1)
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSucceeded, 1)
		if e := refusalOf(w,
			messages.SetJobPaused{Name: "nobody"}); e.Code != messages.CodeNotFound {
			t.Errorf("an unknown job: %v", e)
		}
	})
}

func TestSwitchingOffAndOn(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		j := job("minutely", "0 * * * * *", "exit 0")
		w.add(j)
		w.advance(59*time.Second + 500*time.Millisecond)
		j.Options.Enabled = false
		w.put(j, messages.ExpectPresent)
		w.advance(10 * time.Minute)
		w.expect("minutely", messages.RunSucceeded, 0)
		w.expect("minutely", messages.RunSkipped, 1)
		j.Options.Enabled = true
		w.put(j, messages.ExpectPresent)
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSucceeded, 1)
		w.expect("minutely", messages.RunMissed, 0)
	})
}

func TestQuarantine(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("bad", "*/10 * * * * *", "burst"))
		w.add(job("good", "*/10 * * * * *", "exit 0"))
		w.advance(5 * time.Minute)
		w.expect("bad", messages.RunFailed, 3)
		standing := ask[messages.JobStanding](w, messages.GetJobState{Name: "bad"})
		if !standing.State.Quarantined || standing.State.Reason == "" || !standing.Next.IsZero() {
			t.Errorf("it stands %+v", standing)
		}
		if n := len(w.inState("good", messages.RunSucceeded)); n != 30 {
			t.Errorf("the other job ran %d times", n)
		}
		if e := refusalOf(w, messages.RunJob{Name: "bad"}); e.Code != messages.CodeConflict {
			t.Errorf("RunJob: %v", e)
		}
		_ = w.explode(nameScheduler)
		w.advance(time.Minute)
		w.expect("bad", messages.RunFailed, 3)
		w.put(job("bad", "*/10 * * * * *", "exit 0"), messages.ExpectPresent)
		ask[messages.JobStanding](w, messages.SetJobPaused{Name: "bad"})
		w.advance(10 * time.Second)
		w.expect("bad", messages.RunSucceeded, 1)
		if stats := ask[messages.Stats](w, messages.GetStats{}); stats.Scheduler.Quarantined != 0 {
			t.Errorf("%d jobs count as quarantined", stats.Scheduler.Quarantined)
		}
		w.expectIdle()
	})
}

func TestNothingFiresAfterADelete(t *testing.T) {
	for _, ahead := range []time.Duration{
		0, time.Millisecond, 500 * time.Millisecond, time.Second,
		2 * time.Second,
	} {
		inBubble(t, nil, func(w *world) {
			w.add(job("minutely", "0 * * * * *", "exit 0"))
			w.advance(time.Minute - ahead)
			ask[messages.JobDeleted](w, messages.DeleteJob{Name: "minutely"})
			fired := len(w.launcher.of(""))
			if ahead > 0 && fired > 0 {
				t.Fatalf("it fired %s early", ahead)
			}
			w.advance(5 * time.Minute)
			if n := len(w.launcher.of("")); n != fired {
				t.Errorf("deleted %s ahead, it fired", ahead)
			}
			if e := refusalOf(w,
				messages.DeleteJob{Name: "minutely"}); e.Code != messages.CodeNotFound {
				t.Errorf("deleted twice: %v", e)
			}
			w.expect("minutely", messages.RunQueued, 0)
		})
	}
}

// A delete and a new expression that cross the arming of a firing inside the committer.
func TestChangesThatCrossAnArming(t *testing.T) {
	changes := map[string]func(w *world){
		"delete":     func(w *world) { ask[messages.JobDeleted](w, messages.DeleteJob{Name: "minutely"}) },
		"pause":      func(w *world) { ask[messages.JobStanding](w, messages.SetJobPaused{Name: "minutely", Paused: true}) },
		"stop":       func(w *world) { ask[messages.FiringSet](w, messages.SetFiring{On: false}) },
		"expression": func(w *world) { w.put(job("minutely", "0 0 5 * * *", "exit 0"), messages.ExpectPresent) },
		"switch": func(w *world) {
			w.put(job("minutely", "0 * * * * *", "exit 0", func(o *messages.JobOptions) {
				o.Enabled = false
			}), messages.ExpectPresent)
		},
	}
	for name, change := range changes {
		for _, armedFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, armed first %t", name, armedFirst), func(t *testing.T) {
				inBubble(t, nil, func(w *world) {
					w.add(job("minutely", "0 * * * * *", "exit 0"))
					w.advance(58*time.Second + 500*time.Millisecond)
					unblock := w.store.block()
					done := make(chan struct{})
					asked := func() { change(w); close(done) }
					if !armedFirst {
						go asked()
					}
					w.advance(time.Second) // the firing is armed
					if armedFirst {
						go asked()
					}
					w.advance(10 * time.Millisecond)
					unblock()
					<-done
					w.advance(10 * time.Minute)
					if n := len(w.launcher.of("")); n != 0 {
						t.Errorf("it fired %d times:%s", n, describe(w.store.runsOf("minutely")))
					}
					w.expect("minutely", messages.RunSkipped, 1)
				})
			})
		}
	}
}

func TestAPutOfTheSameExpressionFiresOnce(t *testing.T) {
	for _, ahead := range []time.Duration{
		1100 * time.Millisecond, time.Second,
		500 * time.Millisecond, time.Millisecond, 0,
	} {
		inBubble(t, nil, func(w *world) {
			w.add(job("minutely", "0 * * * * *", "exit 0"))
			w.advance(time.Minute - ahead)
			w.put(job("minutely", "0 * * * * *", "sleep 1"), messages.ExpectPresent)
			w.advance(time.Minute + 4*time.Second)
			w.checkTimes("minutely", w.expect("minutely", messages.RunSucceeded, 2))
		})
	}
}

func TestARestartOfTheSchedulerLosesAndDoublesNothing(t *testing.T) {
	for _, ahead := range []time.Duration{
		2 * time.Second, time.Second, 999 * time.Millisecond,
		time.Millisecond, 0,
	} {
		for _, blocked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s ahead, blocked %t", ahead, blocked), func(t *testing.T) {
				inBubble(t, nil, func(w *world) {
					w.add(job("minutely", "0 * * * * *", "exit 0"))
					w.advance(58 * time.Second)
					unblock := func() {}
					if blocked {
						unblock = w.store.block()
					}
					w.advance(2*time.Second - ahead)
					_ = w.explode(nameScheduler)
					synctest.Wait()
					unblock()
					w.advance(2*time.Minute + 30*time.Second)
					runs := w.expect("minutely", messages.RunSucceeded, 3)
					for i, r := range runs {
						if r.DueAt.Minute() != i+1 {
							t.Errorf("the firings are%s", describe(runs))
						}
					}
					w.expect("minutely", messages.RunMissed, 0)
					w.expect("minutely", messages.RunQueued, 0)
				})
			})
		}
	}
}

func TestEveryKeepsItsAnchor(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.advance(7 * time.Second)
		w.add(job("every", "@every 60s", "exit 0"))
		w.advance(90 * time.Second)
		w.put(job("every", "@every 60s", "exit 1"), messages.ExpectPresent)
		_ = w.explode(nameScheduler)
		w.advance(30 * time.Second)
		w.expect("every", messages.RunSucceeded, 1)
		for _, r := range w.expect("every", messages.RunFailed, 1) {
			if r.DueAt.Second() != 7 {
				t.Errorf("the anchor moved: due at %s", stamp(r.DueAt))
			}
		}
		w.put(job("every", "@every 50s", "exit 0"), messages.ExpectPresent)
		w.advance(50 * time.Second)
		w.expect("every", messages.RunSucceeded, 2)
	})
}

func TestRebootFiresOnceABoot(t *testing.T) {
	prepare := func(w *world) {
		w.store.putJob(job("boot", "@reboot", "exit 0"), messages.JobState{BootID: "boot-0"})
	}
	inBubble(t, prepare, func(w *world) {
		synctest.Wait()
		w.expect("boot", messages.RunSucceeded, 1)
		ask[messages.ActorsRestarted](w, messages.RestartActors{})
		synctest.Wait()
		w.expect("boot", messages.RunSucceeded, 1)
		next := w.restartAfterCrash(time.Minute)
		defer next.stop()
		synctest.Wait()
		next.expect("boot", messages.RunSucceeded, 1)
		third := next.afterCrash()
		third.options.BootID = "boot-2"
		third.start()
		defer third.stop()
		synctest.Wait()
		third.expect("boot", messages.RunSucceeded, 2)
	})
}

func TestRebootWithoutABootID(t *testing.T) {
	prepare := func(w *world) {
		w.options.BootID = ""
		w.store.putJob(job("boot", "@reboot", "exit 0"), messages.JobState{})
	}
	inBubble(t, prepare, func(w *world) {
		synctest.Wait()
		ask[messages.ActorsRestarted](w, messages.RestartActors{})
		synctest.Wait()
		w.expect("boot", messages.RunSucceeded, 1)
	})
}

func TestJitterStaysWithinItsBounds(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("spread", "0 * * * * *", "exit 0", func(o *messages.JobOptions) {
			o.JitterSeconds = 30
		}))
		w.advance(61 * time.Minute)
		late := 0
		for _, r := range w.inState("spread", messages.RunSucceeded) {
			if lag := r.StartedAt.Sub(r.DueAt); lag < 0 || lag > 30*time.Second {
				t.Errorf("it started %s after its time", lag)
			} else if lag > time.Second {
				late++
			}
		}
		if late == 0 || len(w.inState("spread", messages.RunSucceeded)) < 60 {
			t.Errorf("%d of %d were spread", late, len(w.inState("spread", messages.RunSucceeded)))
		}
	})
}

func TestABlockedCommitterKeepsOrderAndLosesNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0", withMisfire(messages.MisfireSkip, 600)))
		w.advance(58 * time.Second)
		unblock := w.store.block()
		w.advance(5 * time.Minute)
		if n := len(w.launcher.of("")); n != 0 {
			t.Errorf("%d runs started that nobody could know of after a crash", n)
		}
		ask[messages.JobNames](w, messages.ListJobs{})
		unblock()
		w.advance(time.Second)
		started := w.launcher.of("minutely")
		runs := w.expect("minutely", messages.RunSucceeded, 5)
		for i, p := range started {
			if i > 0 && runs[i].DueAt.Sub(runs[i-1].DueAt) != time.Minute || len(started) != 5 {
				t.Errorf("run %d is %s", i, p.run)
			}
		}
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSucceeded, 6)
	})
}

func TestAFullDiskStopsNoFiring(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		full := messages.Errorf(messages.CodeStorageFull, "no space is left")
		w.store.refuseWith(func(messages.Change) error { return full })
		w.advance(3*time.Minute + 30*time.Second)
		if n := len(w.launcher.of("minutely")); n != 3 {
			t.Fatalf("%d runs started\n%s", n, w.log)
		}
		if e := refusalOf(w,
			messages.PutJob{Job: job("b", "@daily", "")}); e.Code != messages.CodeStorageFull {
			t.Errorf("a client is told %v", e)
		}
		_ = w.explode(nameScheduler)
		_ = w.explode(nameExecutors)
		w.store.refuseWith(nil)
		w.advance(10 * time.Second)
		w.checkTimes("minutely", w.expect("minutely", messages.RunSucceeded, 3))
		w.advance(time.Minute)
		w.expect("minutely", messages.RunSucceeded, 4)
		w.expect("minutely", messages.RunMissed, 0)
	})
}

func TestAnUnknownOutcomeStartsNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.store.refuseWith(func(messages.Change) error {
			return fmt.Errorf("fsync: input/output error of /dev/secret")
		})
		w.advance(5 * time.Minute)
		if n := len(w.launcher.of("")); n != 0 {
			t.Errorf("%d runs started", n)
		}
		for _, message := range []any{
			messages.PutJob{Job: job("b", "@daily", "")},
			messages.ExecuteCommand{Command: "exit 0"},
			messages.SetFiring{On: false},
			messages.SetPassword{Name: "Admin", Hash: "x"},
			messages.SetParameters{Values: []messages.ParameterValue{{
				Name:  messages.ParamLabels,
				Value: "a=b",
			}}},
		} {
			if e := refusalOf(w, message); e.Code != messages.CodeUnavailable {
				t.Errorf("%T: the client is told %v", message, e)
			}
		}
	})
}

func TestAJobThatNeverFiresIsTakenWithAWarning(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		if put := w.add(job("never", "0 0 30 2 *", "exit 0")); put.Warning == "" ||
			!put.Next.IsZero() {
			t.Errorf("the reply is %+v", put)
		}
		if e := refusalOf(w,
			messages.PutJob{Job: job("bad", "61 * * * *", "")}); e.Field != "cron_expression" ||
			e.Code != messages.CodeInvalid {
			t.Errorf("a bad expression: %+v", e)
		}
		zone := "Moon/Base"
		bad := messages.PutJob{
			Job:   job("bad", "1 * * * *", ""),
			Patch: messages.JobOptionsPatch{TimeZone: &zone},
		}
		if e := refusalOf(w, bad); e.Field != "time_zone" {
			t.Errorf("a bad zone: %+v", e)
		}
		if e := refusalOf(w, messages.CheckJob{
			Job:   bad.Job,
			Patch: bad.Patch,
		}); e.Field != "time_zone" {
			t.Errorf("a bad zone that is only checked: %+v", e)
		}
		quote := job("bad", "1 * * * *", "")
		quote.Arguments = `"open`
		if e := refusalOf(w, messages.PutJob{Job: quote}); e.Field != "arguments" {
			t.Errorf("an unclosed quote: %+v", e)
		}
		if names := ask[messages.JobNames](w, messages.ListJobs{}).Names; len(names) != 1 {
			t.Errorf("the jobs are %v", names)
		}
	})
}

func TestALookThatFindsNothingDueIsARound(t *testing.T) {
	var rounds atomic.Int64
	inBubble(t, func(w *world) { w.options.OnRound = func() { rounds.Add(1) } }, func(w *world) {
		w.add(job("a", "0 0 0 1 1 *", "exit 0"))
		w.advance(time.Millisecond)
		rounds.Store(0)
		w.advance(longestSleep) // the host is sampled every ten seconds only
		if got := rounds.Load(); got != 1 {
			t.Errorf("%d rounds", got)
		}
		w.add(job("b", "* * * * * *", "exit 0"))
		w.advance(time.Second)
		rounds.Store(0)
		w.advance(3 * time.Second)
		if got := rounds.Load(); got != 0 {
			t.Errorf("%d rounds while a job fires each second", got)
		}
	})
}
