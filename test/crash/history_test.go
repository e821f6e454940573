package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"gusty/test/agent"
)

// change is one request that was answered with 200: what a job became, and between which times.
type change struct {
	asked, answered time.Time
	version         int // 0: deleted
}

// history is all changes of each job, in order; a job is changed by one client alone.
type history map[string][]change

// record lets clients change their jobs until a time, and returns what was acknowledged.
func record(ctx context.Context, client *agent.Client, until time.Time) (history, error) {
	all := history{}
	errs := make([]error, clients)
	var mu sync.Mutex
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			own, err := recordOne(ctx, client, newLedger(i, jobsEach),
				rand.New(rand.NewPCG(uint64(i), 1)), until)
			mu.Lock()
			defer mu.Unlock()
			errs[i] = err
			for name, changes := range own {
				all[name] = changes
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func recordOne(ctx context.Context, client *agent.Client, l ledger, random *rand.Rand,
	until time.Time,
) (history, error) {
	own := history{}
	for time.Now().Before(until) {
		e := l[random.IntN(len(l))]
		c := change{version: e.change(random), asked: time.Now()}
		answer, err := request(ctx, client, e, c.version)
		if err != nil {
			return nil, err
		}
		if answer.Status != http.StatusOK {
			return nil,
				fmt.Errorf("%s %q answered %d: %s", answer.Request.Method, e.name, answer.Status,
					answer.Body)
		}
		c.answered = time.Now()
		e.settle(c.version)
		own[e.name] = append(own[e.name], c)
	}
	return own, nil
}

// allows reports whether a disk may show a job in a version after a power cut at a time: the last
// one that was acknowledged by then, or the one that was asked for and not answered yet.
func (h history) allows(name string, version int, at time.Time) bool {
	acknowledged := 0
	for _, c := range h[name] {
		if !c.answered.After(at) {
			acknowledged = c.version
			continue
		}
		return version == acknowledged || !c.asked.After(at) && version == c.version
	}
	return version == acknowledged
}
