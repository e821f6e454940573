package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
)

// Whatever comes in whatever order, in the end no slot is taken, no executor and no execution is
// left, every run has one end, and no run was carried out twice.
func TestSlotsNeverLeak(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, withSlots(3), func(w *world) {
				s := &stream{world: w, rand: rand.New(rand.NewPCG(seed, 1))}
				s.addJobs()
				for range 150 {
					s.step()
				}
				w.store.refuseWith(nil)
				s.settle()
			})
		})
	}
}

// stream is a random course of events.
type stream struct {
	*world
	rand *rand.Rand
}

func (s *stream) addJobs() {
	scripts := []string{
		"exit 0", "exit 1", "sleep 3", "sleep 20", "hang", "stubborn", "burst",
		"absent",
	}
	policies := []messages.OverlapPolicy{
		messages.OverlapSkip, messages.OverlapQueue,
		messages.OverlapAllow, messages.OverlapReplace,
	}
	for i := range 10 {
		j := job(fmt.Sprint("job ", i), "@yearly", scripts[s.rand.IntN(len(scripts))],
			overlapping(policies[s.rand.IntN(len(policies))]))
		if s.rand.IntN(2) == 0 {
			j.CronExpression = fmt.Sprintf("*/%d * * * * *", 1+s.rand.IntN(20))
		}
		j.Options.KillGraceSeconds, j.Options.TimeoutSeconds = s.rand.IntN(4), 5+s.rand.IntN(20)
		j.Options.MaxRetries, j.Options.RetryDelaySeconds = s.rand.IntN(3), 1+s.rand.IntN(5)
		s.add(j)
	}
}

// step does one random thing, without waiting for what comes of it.
func (s *stream) step() {
	name := fmt.Sprint("job ", s.rand.IntN(10))
	switch s.rand.IntN(14) {
	case 0, 1, 2, 3:
		s.tell(messages.RunJob{Name: name})
	case 4:
		s.tell(messages.ExecuteCommand{Command: "sleep 4", Timeout: 10 * time.Minute})
	case 5, 6:
		if runs := s.store.runsOf(name); len(runs) > 0 {
			s.tell(messages.CancelRun{ID: runs[s.rand.IntN(len(runs))].ID})
		}
	case 7:
		if pid := s.bombs.executor(); pid != nil {
			s.sys.actors.Root.Send(pid, boom{})
		}
	case 8:
		if s.rand.IntN(8) == 0 {
			s.tell(messages.DeleteJob{Name: name})
		}
	case 9:
		s.tell(messages.SetJobPaused{Name: name, Paused: s.rand.IntN(3) == 0})
	case 10:
		if s.rand.IntN(4) == 0 {
			s.sys.tell([]string{nameExecutors, nameScheduler}[s.rand.IntN(2)], boom{})
		}
	case 11:
		refusal := messages.Errorf(messages.CodeStorageFull, "full")
		s.store.refuseWith([]func(messages.Change) error{nil, nil, func(messages.Change) error {
			return refusal
		}}[s.rand.IntN(3)])
	default:
		s.advance(time.Duration(s.rand.IntN(8000)) * time.Millisecond)
	}
}

func (s *stream) tell(message any) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
		defer cancel()
		if _, err := s.sys.Ask(ctx, message); messages.CodeOf(err) == messages.CodeTimeout {
			s.t.Errorf("%T was never answered", message)
		}
	}()
	if s.rand.IntN(2) == 0 {
		synctest.Wait()
	}
}

// settle stops all firing, gives what runs and what is tried again the time to end, and looks at
// the books.
func (s *stream) settle() {
	ask[messages.FiringSet](s.world, messages.SetFiring{On: false})
	s.advance(5 * time.Minute)
	for _, r := range s.store.runsOf("") {
		if r.State.Active() {
			s.tell(messages.CancelRun{ID: r.ID})
		}
	}
	s.advance(5 * time.Minute)
	s.expectIdle()
	s.expectStats(0)
	s.expect("", messages.RunQueued, 0)
	s.expect("", messages.RunRunning, 0)
	seen := map[string]bool{}
	for _, p := range s.launcher.of("") {
		if seen[p.run] {
			s.t.Errorf("the run %s of %s started twice", p.run, p.job)
		}
		seen[p.run] = true
	}
	if running, most := s.launcher.under(); running != 0 || most > 3 {
		s.t.Errorf("%d processes are left, %d ran at once", running, most)
	}
}
