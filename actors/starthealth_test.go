package actors

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gusty/internal/process"
	"gusty/messages"
)

func TestAHostThatStartsNothingIsNotReady(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.launcher.setUnable(&process.StartError{
			Sentence: "the host has no room for another process",
			OfHost:   true,
		})
		w.add(job("any", "@yearly", "roomless"))
		ask[messages.RunAccepted](w, messages.RunJob{Name: "any"})
		w.advance(time.Millisecond)
		ready := ask[messages.Readiness](w, messages.GetReadiness{})
		if !ready.Ready || ready.Components[componentStarts] != stateFailing ||
			ready.Starts != "the host has no room for another process" {
			t.Errorf("%+v", ready)
		}
		if stats := ask[messages.Stats](w, messages.GetStats{}).Starts; !stats.Failing ||
			stats.Failures != 1 {
			t.Errorf("%+v", stats)
		}
		w.advance(time.Hour)
		if tries := w.launcher.tries(); tries < 200 || tries > 300 {
			t.Errorf("%d trials in an hour", tries)
		}
		w.launcher.setUnable(nil)
		w.advance(trialLater)
		if ready := ask[messages.Readiness](w, messages.GetReadiness{}); ready.Starts != "" {
			t.Errorf("%+v", ready)
		}
		tries := w.launcher.tries()
		w.advance(time.Hour)
		if w.launcher.tries() != tries {
			t.Error("the trials go on after one has succeeded")
		}
		for _, line := range []string{
			"the host can't start runs",
			"the host can start runs again",
		} {
			if n := strings.Count(w.log.String(), line); n != 1 {
				t.Errorf("%q is logged %d times", line, n)
			}
		}
	})
}

func TestARunThatStartsEndsTheState(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.launcher.setUnable(errors.New("no room"))
		w.add(job("roomless", "@yearly", "roomless"))
		w.add(job("well", "@yearly", "exit 0"))
		ask[messages.RunAccepted](w, messages.RunJob{Name: "roomless"})
		w.advance(time.Millisecond)
		if ask[messages.Readiness](w, messages.GetReadiness{}).Starts == "" {
			t.Error("the host counts as well")
		}
		ask[messages.RunAccepted](w, messages.RunJob{Name: "well"})
		w.advance(time.Millisecond)
		if starts := ask[messages.Readiness](w, messages.GetReadiness{}).Starts; starts != "" {
			t.Error(starts)
		}
	})
}

func TestTheFaultOfAJobIsNotThatOfItsHost(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.launcher.setUnable(errors.New("nobody asks"))
		for _, script := range []string{"absent", "broken"} {
			w.add(job(script, "@yearly", script))
			ask[messages.RunAccepted](w, messages.RunJob{Name: script})
		}
		w.advance(time.Minute)
		if starts := ask[messages.Readiness](w, messages.GetReadiness{}).Starts; starts != "" ||
			w.launcher.tries() != 0 {
			t.Errorf("%q, %d trials", starts, w.launcher.tries())
		}
	})
}

// TestATrialThatSucceedsKeepsTheHostReady is a run as a user who has too many processes.
func TestATrialThatSucceedsKeepsTheHostReady(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("any", "@yearly", "roomless"))
		ask[messages.RunAccepted](w, messages.RunJob{Name: "any"})
		w.advance(time.Minute)
		if starts := ask[messages.Readiness](w, messages.GetReadiness{}).Starts; starts != "" ||
			w.launcher.tries() != 1 {
			t.Errorf("%q, %d trials", starts, w.launcher.tries())
		}
	})
}
