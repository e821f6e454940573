package actors

import (
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// A firing that is due by the old expression and by the new one fires once, and has one record,
// whenever the change comes.
func TestAnotherExpressionOfTheSameTimesFiresOnce(t *testing.T) {
	for _, ahead := range []time.Duration{
		1100 * time.Millisecond, time.Second,
		500 * time.Millisecond, time.Millisecond, 0,
	} {
		inBubble(t, nil, func(w *world) {
			w.add(job("minutely", "0 * * * * *", "exit 0"))
			w.advance(time.Minute - ahead)
			w.put(job("minutely", "0 */1 * * * *", "exit 0"), messages.ExpectPresent)
			w.advance(time.Minute + 4*time.Second)
			w.checkTimes("minutely", w.expect("minutely", messages.RunSucceeded, 2))
			w.expect("minutely", messages.RunSkipped, 0)
		})
	}
}

// The change is asked for before the firing and durable after it: a crash then must not let it fire
// again.
func TestAnExpressionThatCrossesAFiringDoesNotFireItAgainAfterACrash(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("minutely", "0 * * * * *", "exit 0"))
		w.advance(59*time.Second + 500*time.Millisecond) // it is armed
		unblock, stored := w.store.block(), make(chan struct{})
		go func() {
			w.put(job("minutely", "0 */1 * * * *", "exit 0"), messages.ExpectPresent)
			close(stored)
		}()
		w.advance(time.Second)
		unblock()
		<-stored
		synctest.Wait()
		w.expect("minutely", messages.RunSucceeded, 1)
		next := w.restartAfterCrash(2 * time.Second)
		defer next.stop()
		next.advance(time.Second)
		next.checkTimes("minutely", next.expect("minutely", messages.RunSucceeded, 1))
		next.expect("minutely", messages.RunMissed, 0)
	})
}

// What would have been due by a time zone that the job did not have then was not missed.
func TestANewTimeZoneOwesNothingOfBefore(t *testing.T) {
	inZone := func(zone string) messages.Job {
		return job("noon", "0 0 12 * * *", "exit 0", func(o *messages.JobOptions) {
			o.TimeZone, o.MisfirePolicy = zone, messages.MisfireRunOnce
		})
	}
	inBubble(t, nil, func(w *world) {
		w.add(inZone("Asia/Tokyo")) // 03:00 UTC
		w.advance(2 * time.Hour)
		w.put(inZone("Pacific/Guadalcanal"), messages.ExpectPresent) // 01:00 UTC
		for _, paused := range []bool{true, false} {
			ask[messages.JobStanding](w, messages.SetJobPaused{Name: "noon", Paused: paused})
		}
		w.advance(time.Minute)
		next := w.restartAfterCrash(time.Minute)
		defer next.stop()
		next.advance(time.Minute)
		if runs := next.store.runsOf("noon"); len(runs) != 0 {
			t.Errorf("there are runs of before:%s", describe(runs))
		}
	})
}
