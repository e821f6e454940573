package api

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gusty/messages"
)

// fakeAgent stands for all actors: it keeps jobs and parameters in memory and runs nothing.
type fakeAgent struct {
	mu      sync.Mutex
	sample  *messages.Sample
	config  *messages.Config
	access  *messages.Access
	jobs    map[string]messages.Job
	names   []string
	runs    map[string]messages.Run
	chunks  []messages.OutputChunk
	asked   []any                       // every request, in order
	refuse  func(msg any) error         // where set and not nil, the answer
	replace func(msg any) (any, bool)   // where set and true, the reply
	during  func(context.Context) error // where set, what every Ask does first
}

const (
	runID    = "0190b0a0-0000-7000-8000-000000000001"
	goneID   = "0190b0a0-0000-7000-8000-00000000ffff"
	testUser = "Admin"
	testPass = "correct horse"
)

func newFakeAgent() *fakeAgent {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	code := 0
	return &fakeAgent{
		sample: &messages.Sample{
			At: at, MemoryPercent: 12.5, CPUPercent: 3.25, DiskPercent: 80, UptimeSeconds: 1234,
			OSName: "Debian", OSVersion: "12",
			KernelVersion: "6.1", Hostname: "host", IP: "192.0.2.1", RustVersion: "Not Found",
			Stale: []string{"disk"},
		},
		config: messages.NewConfig(1, nil), jobs: map[string]messages.Job{},
		runs: map[string]messages.Run{runID: {
			ID: runID, ScriptName: "nightly", Kind: messages.RunOfJob, State: messages.RunSucceeded,
			Trigger: messages.TriggerSchedule,
			DueAt:   at, StartedAt: at, EndedAt: at.Add(time.Second), ExitCode: &code,
		}},
		chunks: []messages.OutputChunk{
			{Stream: messages.Stdout, At: at, Data: []byte("one\n")},
			{Stream: messages.Stderr, At: at, Data: []byte{0xff, '\n'}},
			{Stream: messages.Stdout, At: at, Skipped: 7},
			{Stream: messages.Stdout, At: at, Data: []byte("two\n")},
		},
	}
}

// Ask implements Asker.
func (f *fakeAgent) Ask(ctx context.Context, msg any) (any, error) {
	if f.during != nil {
		if err := f.during(ctx); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, msg)
	if f.refuse != nil {
		if err := f.refuse(msg); err != nil {
			return nil, err
		}
	}
	if f.replace != nil {
		if reply, ok := f.replace(msg); ok {
			return reply, nil
		}
	}
	return f.reply(msg)
}

func (f *fakeAgent) reply(msg any) (any, error) {
	switch m := msg.(type) {
	case messages.GetSample:
		return f.sample, nil
	case messages.GetConfig:
		return f.config, nil
	case messages.SetParameters:
		local := map[string]string{}
		for _, v := range m.Values {
			local[v.Name] = v.Value
		}
		f.config = f.config.With(f.config.Version+1, local)
		return messages.ParametersSet{Config: f.config}, nil
	case messages.SendHeartbeat:
		return messages.HeartbeatQueued{ID: m.ID}, nil
	case messages.SetPassword:
		return messages.PasswordSet{Name: m.Name}, nil
	case messages.GetReadiness:
		return messages.Readiness{
			Ready:      true,
			Components: map[string]string{"scheduler": "up"},
		}, nil
	case messages.RestartActors:
		return messages.ActorsRestarted{}, nil
	case messages.ShutDown:
		return messages.ShutdownBegun{}, nil
	case messages.GetStats:
		return fakeStats(), nil
	case messages.GetOutbox:
		return messages.OutboxStanding{
			State: "backing off until later: it is away", Waiting: 2, OldestAt: f.sample.At,
			NextTryAt: f.sample.At, Rate: 14.0 / 60,
		}, nil
	default:
		return f.replyOnJobs(msg)
	}
}

func (f *fakeAgent) replyOnJobs(msg any) (any, error) {
	switch m := msg.(type) {
	case messages.PutJob:
		return f.putJob(m)
	case messages.CheckJob:
		return messages.JobChecked{}, nil
	case messages.DeleteJob:
		if _, err := f.job(m.Name); err != nil {
			return nil, err
		}
		delete(f.jobs, m.Name)
		f.names = slices.Sorted(maps.Keys(f.jobs))
		return messages.JobDeleted{Name: m.Name}, nil
	case messages.ListJobs:
		return messages.JobNames{Names: f.names}, nil
	case messages.GetJob:
		return f.job(m.Name)
	case messages.GetJobState:
		return f.standing(m.Name, false)
	case messages.SetJobPaused:
		return f.standing(m.Name, m.Paused)
	case messages.SetFiring:
		return messages.FiringSet{On: m.On}, nil
	default:
		return f.replyOnRuns(msg)
	}
}

func (f *fakeAgent) replyOnRuns(msg any) (any, error) {
	code := 0
	finished := messages.Run{
		ID:        runID,
		State:     messages.RunSucceeded,
		ExitCode:  &code,
		StartedAt: f.sample.At,
		EndedAt:   f.sample.At,
	}
	switch m := msg.(type) {
	case messages.RunJob:
		if _, err := f.job(m.Name); err != nil {
			return nil, err
		}
		return messages.RunAccepted{Run: messages.Run{
			ID:         runID,
			ScriptName: m.Name,
			State:      messages.RunQueued,
			Trigger:    messages.TriggerAPI,
		}}, nil
	case messages.ListRuns:
		return messages.RunPage{Runs: slices.Collect(maps.Values(f.runs)), Next: runID}, nil
	case messages.GetRun:
		return f.run(m.ID)
	case messages.CancelRun:
		if _, err := f.run(m.ID); err != nil {
			return nil, err
		}
		return nil, messages.Errorf(messages.CodeConflict, "the run has ended")
	case messages.GetOutput:
		run, err := f.run(m.ID)
		if err != nil {
			return nil, err
		}
		return messages.RunOutput{Run: run, Each: f.each}, nil
	case messages.ExecuteCommand:
		return messages.RunFinished{
			Run:    finished,
			Stdout: []byte("printed <&> \xff"),
			Stderr: []byte("warned"),
		}, nil
	case messages.ExecuteScript:
		if m.Async {
			return messages.RunAccepted{Run: finished}, nil
		}
		return messages.RunFinished{Run: finished, Stdout: m.Job.Content}, nil
	}
	return nil, messages.Errorf(messages.CodeInternal, "the fake does not know this request")
}

func (f *fakeAgent) each(each func(messages.OutputChunk) error) error {
	for _, c := range f.chunks {
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeAgent) putJob(m messages.PutJob) (any, error) {
	stored, there := f.jobs[m.Job.Name]
	switch {
	case there && m.Expect == messages.ExpectAbsent:
		return nil, messages.Errorf(messages.CodeExists, "a job of this name exists")
	case !there && m.Expect == messages.ExpectPresent:
		return nil, messages.Errorf(messages.CodeNotFound, "there is no such job")
	case there:
		m.Job.Options = m.Patch.Apply(stored.Options)
	default:
		m.Job.Options = m.Patch.Apply(messages.DefaultJobOptions())
	}
	f.jobs[m.Job.Name] = m.Job
	f.names = slices.Sorted(maps.Keys(f.jobs))
	return messages.JobPut{Name: m.Job.Name, Next: f.sample.At}, nil
}

func (f *fakeAgent) job(name string) (messages.Job, error) {
	job, ok := f.jobs[name]
	if !ok {
		return job, messages.Errorf(messages.CodeNotFound, "there is no such job")
	}
	return job, nil
}

func (f *fakeAgent) run(id string) (messages.Run, error) {
	run, ok := f.runs[id]
	if !ok {
		return run, messages.Errorf(messages.CodeNotFound, "there is no such run")
	}
	return run, nil
}

func (f *fakeAgent) standing(name string, paused bool) (any, error) {
	if _, err := f.job(name); err != nil {
		return nil, err
	}
	last := f.runs[runID]
	return messages.JobStanding{
		Name:    name,
		Next:    f.sample.At,
		LastRun: &last,
		State:   messages.JobState{Paused: paused},
		Firing:  true,
	}, nil
}

func fakeStats() messages.Stats {
	return messages.Stats{
		Actors: []messages.ActorStats{{Name: "scheduler", State: "up", Restarts: 2}, {Name: `odd"\` + "\n", State: "down"}},
		Scheduler: messages.SchedulerStats{
			Jobs: 3, Firing: true, Lag: messages.Histogram{
				Bounds: []float64{0.01, 0.1},
				Counts: []uint64{5, 2, 1},
				Sum:    0.4,
			},
		},
		Runs: map[messages.RunState]uint64{messages.RunFailed: 4}, Active: 1,
		Outbox: messages.OutboxStanding{
			State:     "backing off until later: it is away",
			NextTryAt: time.Unix(1_800_000_000, 0),
		},
	}
}

// last returns the last request that was asked.
func (f *fakeAgent) last() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) == 0 {
		return nil
	}
	return f.asked[len(f.asked)-1]
}
