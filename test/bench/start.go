//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"time"

	"gusty/test/agent"
)

const (
	startGoal = 150 * time.Millisecond
	startJobs = 1000
)

// measureStart takes the time from exec to the first answered request on a data directory with a
// thousand jobs, in turns with a bare server.
func measureStart(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.seed(ctx, "start", startJobs); err != nil {
		return nil, err
	}
	var open, known, bare []time.Duration
	for range 3 * b.rounds {
		first, authenticated, err := b.startOnce(ctx)
		if err != nil {
			return nil, err
		}
		reference, err := b.startBareOnce(ctx)
		if err != nil {
			return nil, err
		}
		open, known, bare = append(open, first), append(known, authenticated), append(bare,
			reference)
	}
	took := quantile(open, 0.5)
	base := quantile(bare, 0.5)
	return []figure{
		{
			what: "exec to the first answer, 1,000 jobs", measured: millis(took),
			baseline: millis(base) + " bare server",
			ratio:    ratio(took, base), goal: "<= " + millis(startGoal),
			met: judge(took <= startGoal),
		},
		{
			what:     "exec to the first answer with a password",
			measured: millis(quantile(known, 0.5)),
			baseline: "one bcrypt hash more",
		},
	}, nil
}

// startOnce starts the agent on the directory with a thousand jobs, and ends it when it has
// answered.
func (b *bench) startOnce(ctx context.Context) (first, authenticated time.Duration, err error) {
	process, err := agent.Launch(ctx, agent.Options{Binary: b.binary, Dir: b.data("start")})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = process.Kill() }()
	return firstAnswers(ctx, process)
}

// firstAnswers returns the times from exec until a request without and one with credentials was
// answered.
func firstAnswers(ctx context.Context, process *agent.Process) (first, authenticated time.Duration,
	err error,
) {
	config, err := process.TLS()
	if err != nil {
		return 0, 0, err
	}
	credentials, err := process.Credentials()
	if err != nil {
		return 0, 0, err
	}
	w, err := dialUntil(ctx, process.Port, config)
	if err != nil {
		return 0, 0, err
	}
	defer w.close()
	if err := w.ask(request(agent.Credentials{}, http.MethodGet, "/agent/health/live",
		"")); err != nil {
		return 0, 0, err
	}
	first = time.Since(process.Begun)
	err = w.ask(request(credentials, http.MethodGet, "/agent/status", ""))
	return first, time.Since(process.Begun), err
}

func (b *bench) startBareOnce(ctx context.Context) (time.Duration, error) {
	server, err := startBare(ctx, filepath.Join(b.data("start"), "tls"), b.dir, []byte(`"Running"`))
	if err != nil {
		return 0, err
	}
	defer server.stop()
	config, err := (&agent.Process{Dir: b.data("start")}).TLS() // it has the agent's certificate
	if err != nil {
		return 0, err
	}
	w, err := dialUntil(ctx, server.port, config)
	if err != nil {
		return 0, err
	}
	defer w.close()
	err = w.ask(request(agent.Credentials{}, http.MethodGet, "/", ""))
	return time.Since(server.begun), err
}

// dialUntil tries to connect every half millisecond, for at most 20 seconds.
func dialUntil(ctx context.Context, port int, config *tls.Config) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		w, err := dialWire(ctx, local(port), config)
		if err == nil {
			return w, nil
		}
		if pause(ctx, 500*time.Microsecond) != nil {
			return nil, err
		}
	}
}
