//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"gusty/test/agent"
)

// The goals of an agent with many jobs.
const (
	heapLoadGoal = 2 * time.Second
	heapAnonGoal = 400 // bytes a job
	heapRSSGoal  = 1024
)

func (b *bench) heapJobs() int {
	if b.quick {
		return 10_000
	}
	return 100_000
}

// measureHeap stores many jobs over REST, starts the agent anew, and compares its memory at rest
// with that of an agent without jobs.
func measureHeap(ctx context.Context, b *bench) ([]figure, error) {
	jobs := b.heapJobs()
	rate, err := b.storeJobs(ctx, "heap", jobs)
	if err != nil {
		return nil, err
	}
	if _, err := b.storeJobs(ctx, "heap-empty", 0); err != nil {
		return nil, err
	}
	_, none, err := b.restAfterStart(ctx, "heap-empty")
	if err != nil {
		return nil, err
	}
	took, many, err := b.restAfterStart(ctx, "heap")
	if err != nil {
		return nil, err
	}
	anon, rss := (many.Anon-none.Anon)/int64(jobs), (many.Resident-none.Resident)/int64(jobs)
	what := fmt.Sprintf("%d jobs: ", jobs)
	return []figure{
		{what: what + "stored over REST, 64 clients", measured: fmt.Sprintf("%.0f/s", rate)},
		{
			what:     what + "exec to the first answer",
			measured: millis(took),
			goal:     "<= " + millis(heapLoadGoal),
			met:      judge(took <= heapLoadGoal),
		},
		perJob(what+"RssAnon, "+b.wait.String()+" after start", anon, heapAnonGoal, mega(many.Anon)+
			", "+mega(none.Anon)+" without"),
		perJob(what+"VmRSS, "+b.wait.String()+" after start", rss, heapRSSGoal, mega(many.Resident)+
			", "+mega(none.Resident)+" without"),
		{what: what + "highest VmRSS", measured: mega(many.Peak)},
	}, nil
}

func perJob(what string, bytes, goal int64, of string) figure {
	return figure{
		what: what, measured: fmt.Sprintf("%d B a job", bytes), baseline: of,
		goal: fmt.Sprintf("<= %d B", goal), met: judge(bytes <= goal),
	}
}

// restAfterStart starts an agent and gives the time to its first answer and its memory when it has
// come to rest.
func (b *bench) restAfterStart(ctx context.Context, name string) (first time.Duration,
	m agent.Memory, err error,
) {
	process, err := agent.Launch(ctx, agent.Options{Binary: b.binary, Dir: b.data(name)})
	if err != nil {
		return 0, m, err
	}
	defer func() { _ = process.Kill() }()
	if first, _, err = firstAnswers(ctx, process); err != nil {
		return 0, m, err
	}
	if err := pause(ctx, b.wait); err != nil {
		return 0, m, err
	}
	m, err = agent.ReadMemory(process.PID)
	return first, m, err
}

// storeJobs stores so many jobs by 64 keep-alive connections, stops the agent, and returns the jobs
// a second.
func (b *bench) storeJobs(ctx context.Context, name string, jobs int) (perSecond float64,
	err error,
) {
	process, err := b.start(ctx, name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = process.Kill() }()
	credentials, err := process.Credentials()
	if err != nil {
		return 0, err
	}
	config, err := process.TLS()
	if err != nil {
		return 0, err
	}
	status := request(credentials, http.MethodGet, "/agent/status", "")
	clients, err := dialFleet(ctx, connections, local(process.Port), config, func(int) []byte {
		return status
	})
	if err != nil {
		return 0, err
	}
	defer clients.close()
	begun := time.Now()
	if err := clients.post(jobs, func(i int) []byte {
		return request(credentials, http.MethodPost, "/agent/job", heapJob(i))
	}); err != nil {
		return 0, err
	}
	perSecond = float64(jobs) / time.Since(begun).Seconds()
	_, err = process.Stop()
	return perSecond, err
}

// heapJob is a job that is due once a year, at one of 1,440 minutes: jobs of the same expression
// share what was parsed of it.
func heapJob(i int) string {
	expression := fmt.Sprintf("%d %d 1 1 *", i%60, i/60%24)
	return agent.JobBody(fmt.Sprintf("job %06d", i), expression, "true\n")
}

// post shares so many different requests among the connections.
func (f *fleet) post(count int, request func(i int) []byte) error {
	errs := make([]error, len(f.wires))
	var all sync.WaitGroup
	for first, w := range f.wires {
		all.Go(func() {
			for i := first; i < count && errs[first] == nil; i += len(f.wires) {
				errs[first] = w.ask(request(i))
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
