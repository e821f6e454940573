//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"gusty/messages"
	"gusty/persistence"
	"gusty/test/agent"
)

// What a rotation is measured with: the goal, so many rows, and how long two clients rest between
// their requests.
const (
	rotateGoal      = 50 * time.Millisecond // of the 99th percentile
	rotateRows      = 500_000
	rotateRowsQuick = 20_000
	rotateRest      = 2 * time.Millisecond
	rotateJobs      = 4
	rotatePath      = "/agent/store/rotate"
	rotateWithin    = 20 * time.Minute
)

// measureRotate takes the time of answers while the data key is changed and all rows are sealed
// anew, and before that.
func measureRotate(ctx context.Context, b *bench) ([]figure, error) {
	rows := rotateRows
	if b.quick {
		rows = rotateRowsQuick
	}
	if err := fillRows(b.data("rotate"), rows); err != nil {
		return nil, err
	}
	process, err := b.start(ctx, "rotate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	if err := postJobs(ctx, process, rotateJobs); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, rotateWithin)
	defer cancel()
	before, err := b.answers(ctx, process, func(ctx context.Context) error {
		return pause(ctx, b.spell)
	})
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	during, err := b.answers(ctx, process, func(ctx context.Context) error {
		return rotateOnce(ctx, process)
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(begun)
	return []figure{
		rotateFigure(fmt.Sprintf("p99 of a read, %d rows sealed anew meanwhile", rows),
			during.reads, before.reads),
		rotateFigure(fmt.Sprintf("p99 of a durable change, %d rows sealed anew meanwhile", rows),
			during.changes, before.changes),
		{
			what:     "the rotation",
			measured: took.Round(time.Millisecond).String(),
			baseline: fmt.Sprintf("%.0f rows a second", float64(rows)/took.Seconds()),
		},
	}, nil
}

func rotateFigure(what string, during, before []time.Duration) figure {
	took, base := quantile(during, 0.99), quantile(before, 0.99)
	return figure{
		what: what, measured: millis(took), baseline: millis(base) + " before",
		ratio: ratio(took, base), goal: "<= " + millis(rotateGoal),
		met: judge(took <= rotateGoal),
	}
}

// fillRows makes a store with so many rows.
func fillRows(dir string, rows int) (err error) {
	store, err := persistence.Open(persistence.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	const together = 500
	value := make([]byte, 300)
	for n := 0; n < rows; n += together {
		change := messages.Change{}
		for i := range together {
			change.Rows = append(change.Rows, messages.SettingRow{
				Name:  fmt.Sprint("row ", n+i),
				Value: value,
			})
		}
		done := make(chan error, 1)
		store.Submit(change, func(c messages.Committed) { done <- c.Err })
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// latencies are the times of answers, of two kinds of requests.
type latencies struct{ reads, changes []time.Duration }

// answers lets two clients ask, one after the other's pace, until meanwhile has returned.
func (b *bench) answers(ctx context.Context, process *agent.Process,
	meanwhile func(context.Context) error,
) (took latencies, err error) {
	config, err := process.TLS()
	if err != nil {
		return took, err
	}
	credentials, err := process.Credentials()
	if err != nil {
		return took, err
	}
	requests := [][]byte{
		request(credentials, http.MethodGet, "/agent/jobs?name="+url.QueryEscape(jobName(1)), ""),
		request(credentials, http.MethodPut, "/agent/job", jobBody(2)),
	}
	clients, err := dialFleet(ctx, len(requests), local(process.Port), config, func(i int) []byte {
		return requests[i]
	})
	if err != nil {
		return took, err
	}
	defer clients.close()
	during, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	errs := make([]error, len(requests))
	for i, to := range []*[]time.Duration{&took.reads, &took.changes} {
		all.Go(func() { *to, errs[i] = askOften(during, clients.wires[i], requests[i]) })
	}
	err = meanwhile(ctx)
	end()
	all.Wait()
	return took, errors.Join(err, errors.Join(errs...))
}

// askOften asks with rests until ctx ends.
func askOften(ctx context.Context, w *wire, request []byte) (took []time.Duration, err error) {
	for pause(ctx, rotateRest) == nil {
		begun := time.Now()
		if err := w.ask(request); err != nil {
			return took, err
		}
		took = append(took, time.Since(begun))
	}
	return took, nil
}

// rotateOnce changes the data key and waits until everything is sealed anew.
func rotateOnce(ctx context.Context, process *agent.Process) error {
	client, err := process.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Want(ctx, http.StatusAccepted, http.MethodPost, rotatePath,
		""); err != nil {
		return err
	}
	for {
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		body, err := client.Want(ctx, http.StatusOK, http.MethodGet, rotatePath, "")
		if err != nil {
			return err
		}
		var status struct {
			State     messages.RotationState `json:"state"`
			LastError *string                `json:"last_error"`
		}
		if err := json.Unmarshal(body, &status); err != nil {
			return err
		}
		switch {
		case status.LastError != nil:
			return errors.New(*status.LastError)
		case status.State == messages.RotationIdle:
			return nil
		}
	}
}
