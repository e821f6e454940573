package actors

import (
	"context"
	"fmt"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

// streakLimit bounds how far back a streak of failures is counted.
const streakLimit = 100

// read answers what needs no actor: committed rows, and the pulse of the tree. It runs on the
// asker's goroutine.
func (s *System) read(message any) (any, error) {
	var reply any
	err := guarded(func() (err error) {
		reply, err = s.readUnguarded(message)
		return err
	})
	if err == nil {
		return reply, nil
	}
	if isPanic(err) {
		s.log.Error("read failed", "message", fmt.Sprintf("%T", message), "cause", err.Error())
	}
	return nil, err
}

func (s *System) readUnguarded(message any) (any, error) {
	store := s.opt.Store
	switch m := message.(type) {
	case messages.GetJob:
		return wrapReply(store.Job(m.Name))
	case messages.GetRun:
		return wrapReply(store.Run(m.ID))
	case messages.ListRuns:
		return wrapReply(store.Runs(m.Query))
	case messages.GetOutput:
		return wrapReply(s.output(m))
	case messages.MakeBackup:
		s.log.Info("a backup is made", "principal", m.Origin.Principal, "remote", m.Origin.Remote,
			"request_id", m.Origin.RequestID)
		return wrapReply(store.Backup())
	case table.GetExport:
		return table.Export{Each: func(each func(table.TableRow) error) error {
			return store.Export(m.Query, each)
		}}, nil
	case messages.GetOutbox:
		return s.outbox()
	case messages.ListDead:
		return wrapReply(store.Dead(m.Before, m.Limit))
	case messages.GetReadiness:
		return s.readiness(), nil
	case messages.GetStats:
		return s.stats()
	default:
		return nil, fmt.Errorf("nobody answers %T", message)
	}
}

func wrapReply[T any](reply T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return reply, nil
}

func (s *System) outbox() (messages.OutboxStanding, error) {
	standing, err := s.opt.Store.Outbox()
	if err != nil {
		return standing, err
	}
	s.completeStanding(&standing, time.Now())
	return standing, nil
}

func (s *System) readiness() messages.Readiness {
	r := messages.Readiness{
		Ready: true, Degraded: s.opt.Store.Stats().Degraded, Starts: s.starts.standing(),
		Components: make(map[string]string, len(s.members)),
	}
	r.Components[componentStarts] = stateUp
	if r.Starts != "" {
		r.Components[componentStarts] = stateFailing
	}
	for _, m := range s.members {
		state, _, _ := m.vital.look()
		r.Components[m.name] = state
		if state != stateUp {
			r.Ready, r.Reason = false, "the "+m.name+" actor is "+state
		}
	}
	return r
}

func (s *System) stats() (messages.Stats, error) {
	stats := s.counts.stats()
	for _, m := range s.members {
		stats.Actors = append(stats.Actors, m.vital.stats())
	}
	outbox, err := s.outbox()
	stats.Outbox, stats.Store, stats.Starts = outbox, s.opt.Store.Stats(), s.starts.stats()
	return stats, err
}

// askStanding completes what the scheduler knows of a job with what the store knows.
func (s *System) askStanding(ctx context.Context, message any, name string) (any, error) {
	reply, err := s.request(ctx, nameScheduler, message)
	if err != nil {
		return nil, err
	}
	standing, ok := reply.(messages.JobStanding)
	if !ok {
		return nil, fmt.Errorf("the scheduler answered %T", reply)
	}
	runs, err := s.lastRuns(name)
	if err != nil {
		return nil, err
	}
	summarize(&standing, runs)
	return standing, nil
}

// pagesRead bounds how many pages are read for the last runs of a job. The store keeps few records
// of what did not run, so that a second page is enough but for a history that is still being
// trimmed.
const pagesRead = 4

// lastRuns returns the newest runs of a job that ran or could not be started, up to streakLimit of
// them, newest first.
func (s *System) lastRuns(name string) (runs []messages.Run, err error) {
	q := messages.RunQuery{ScriptName: name, Limit: streakLimit}
	for range pagesRead {
		page, err := s.opt.Store.Runs(q)
		if err != nil {
			return nil, err
		}
		for i := range page.Runs {
			if run := &page.Runs[i]; run.Ran() || run.State == messages.RunFailed {
				runs = append(runs, *run)
			}
		}
		if q.Before = page.Next; q.Before == "" || len(runs) >= streakLimit {
			break
		}
	}
	return runs[:min(len(runs), streakLimit)], nil
}

// summarize finds the last run that ran or could not be started, and how many failed in a row
// before now. Of a record that stands for several, those from before a run that succeeded do not
// count.
func summarize(standing *messages.JobStanding, newestFirst []messages.Run) {
	counting := true
	var folds []*messages.Run
	for i := range newestFirst {
		run := &newestFirst[i]
		if standing.LastRun == nil {
			standing.LastRun = run
			standing.State.LastRunID = run.ID
		}
		switch run.State {
		case messages.RunSucceeded:
			counting = false
			for _, fold := range folds {
				if run.EndedAt.After(fold.DueAt) {
					standing.State.FailureStreak -= fold.Count - 1
				}
			}
		case messages.RunFailed, messages.RunTimedOut, messages.RunInterrupted:
			standing.State.FailureStreak += run.Firings()
			if run.Count > 1 {
				folds = append(folds, run)
			}
		default:
		}
		if !counting {
			break
		}
	}
	standing.State.FailureStreak = min(standing.State.FailureStreak, streakLimit)
}
