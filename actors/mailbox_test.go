package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gusty/messages"
)

func TestAFullMailboxAnswersBusyAtOnce(t *testing.T) {
	w := startedWorld(t)
	letGo := w.holdUp(nameConfig)
	var wait sync.WaitGroup
	var busy, answered, lost atomic.Int64
	for range mailboxLimit + 200 {
		wait.Go(func() {
			_, err := w.sys.Ask(context.Background(), messages.GetConfig{})
			switch e := messages.AsError(err); {
			case err == nil:
				answered.Add(1)
			case e != nil && e.Code == messages.CodeBusy && e.RetryAfter > 0:
				if busy.Add(1) == 100 {
					letGo()
				}
			default:
				lost.Add(1)
			}
		})
	}
	wait.Wait()
	if answered.Load() < mailboxLimit || busy.Load() < 100 || lost.Load() > 0 {
		t.Errorf("%d were answered, %d were told busy, %d something else", answered.Load(),
			busy.Load(), lost.Load())
	}
}

func TestWhoWaitsAtTheStopIsAnswered(t *testing.T) {
	for _, name := range members() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, withNightly, func(w *world) {
				letGo := w.holdUp(name)
				var wait sync.WaitGroup
				var told atomic.Int64
				for range 31 {
					wait.Go(func() {
						begun := time.Now()
						_, err := w.sys.Ask(context.Background(), answersOf(name))
						if code := messages.CodeOf(err); err != nil &&
							code != messages.CodeUnavailable || time.Since(begun) > 2*time.Second {
							w.t.Errorf("after %s an asker is told %v", time.Since(begun), err)
						}
						told.Add(1)
					})
				}
				for w.sys.member(name).vital.stats().MailboxDepth < 31 {
					time.Sleep(time.Millisecond) // between two looks
				}
				stopped := make(chan struct{})
				go func() { w.sys.Stop(context.Background()); close(stopped) }()
				for !w.sys.stopping.Load() {
					time.Sleep(time.Millisecond) // between two looks
				}
				letGo()
				wait.Wait()
				deadline(w.t, stopped)
				if told.Load() != 31 {
					w.t.Errorf("%d of 31 were answered", told.Load())
				}
			})
		})
	}
}
