//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gusty/messages"
	"gusty/test/agent"
)

// visible measures how soon the document of a finished job can be found, with an agent that has
// nothing else to do.
func (s *shipping) visible(ctx context.Context) ([]figure, error) {
	process, err := s.start(ctx, "visible")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := setParameters(ctx, client, messages.ParamEndpoint, s.node.URL, messages.ParamLogLevel,
		"error"); err != nil {
		return nil, err
	}
	job := `{"script_name":"visible","content":"ZWNobyBoZWxsbw==","cron_expression":"0 0 1 1 *","script_type":1,"opensearch_enabled":true,"opensearch_index":"visible"}`
	if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job", job); err != nil {
		return nil, err
	}
	if _, _, err := s.node.Do(ctx, http.MethodPut, "/visible", `{"settings":{"index.refresh_interval":"1s"}}`); err != nil {
		return nil, err
	}
	var took []time.Duration
	for range 10 {
		d, err := s.untilVisible(ctx, client)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	slowest := quantile(took, 1)
	return []figure{{
		what:     "from a job's end until its document is found, slowest of 10",
		measured: millis(slowest), goal: "<= " + visibleGoal.String(),
		met: judge(slowest <= visibleGoal),
	}}, nil
}

func (s *shipping) untilVisible(ctx context.Context, client *agent.Client) (time.Duration, error) {
	body, err := client.Want(ctx, http.StatusAccepted, http.MethodPost,
		"/agent/job/run?script_name=visible", "")
	if err != nil {
		return 0, err
	}
	var run struct {
		ID      string    `json:"run_id"`
		EndedAt time.Time `json:"ended_at"`
	}
	if err := json.Unmarshal(body, &run); err != nil {
		return 0, err
	}
	for {
		_, found, err := s.node.Do(ctx, http.MethodGet, "/visible/_count?q=run_id.keyword:%22"+
			run.ID+"%22", "")
		if err != nil {
			return 0, err
		}
		var n struct{ Count int }
		if err := json.Unmarshal(found, &n); err == nil && n.Count > 0 {
			break
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
	seen := time.Now()
	if body, err = client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/runs/"+run.ID,
		""); err != nil {
		return 0, err
	}
	err = json.Unmarshal(body, &run)
	return seen.Sub(run.EndedAt), err
}

// away measures an agent that makes 500 documents a second while its cluster is away, then one that
// only waits, and then whether all arrive.
func (s *shipping) away(ctx context.Context) ([]figure, error) {
	const perSecond = 500
	process, err := s.start(ctx, "away")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	err = setParameters(ctx, client, messages.ParamEndpoint, "http://127.0.0.1:9", messages.ParamHealthIndex, "away", messages.ParamLogLevel, "error")
	if err != nil {
		return nil, err
	}
	if _, err := client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/metric", ""); err != nil {
		// waits for the first sample, which a heartbeat needs
		return nil, err
	}
	stop := agent.WatchMemory(ctx, process.PID, 50*time.Millisecond)
	sent, err := beats(ctx, client, perSecond, s.wait)
	if err != nil {
		stop()
		return nil, err
	}
	before, err := agent.ReadCPU(process.PID)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, s.wait); err != nil {
		return nil, err
	}
	used, err := agent.ReadCPU(process.PID)
	if err != nil {
		return nil, err
	}
	peak := stop()
	if err := setParameters(ctx, client, messages.ParamEndpoint, s.node.URL); err != nil {
		return nil, err
	}
	if err := empty(ctx, client); err != nil {
		return nil, err
	}
	all := *s
	all.documents = sent
	missing := all.count(ctx, "away")
	share := float64(used-before) / float64(s.wait)
	return []figure{
		memory(fmt.Sprintf("resident with the cluster away, %d documents a second", perSecond),
			peak, drainGoal, ""),
		{
			what:     fmt.Sprintf("processor time while backing off, %d documents waiting", sent),
			measured: fmt.Sprintf("%.2f %%", 100*share),
			goal:     fmt.Sprintf("<= %.0f %%", 100*backoffGoal), met: judge(share <= backoffGoal),
		},
		{
			what:     "of those that arrive when it is back",
			measured: allOr(missing),
			goal:     "all",
			met:      judge(missing == nil),
		},
	}, nil
}

func allOr(missing error) string {
	if missing != nil {
		return missing.Error()
	}
	return "all"
}

// beats queues heartbeats at a steady rate, from 16 clients' worth of connections, and returns how
// many were acknowledged.
func beats(ctx context.Context, client *agent.Client, perSecond int, spell time.Duration) (int,
	error,
) {
	const workers = 16
	var sent atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, workers)
	begun := time.Now()
	for worker := range workers {
		all.Go(func() {
			for i := worker; ; i += workers {
				due := begun.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
				if due.Sub(begun) > spell || pause(ctx, time.Until(due)) != nil {
					return
				}
				if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/heartbeat", fmt.Sprintf(`{"id":"%d"}`, i)); err != nil {
					errs[worker] = err
					return
				}
				sent.Add(1)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return int(sent.Load()), nil
}
