//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"gusty/test/agent"
)

const (
	putGoal   = 0.6 // of the speed of bare bbolt
	groupGoal = 6.0 // times one client's rate
)

// measurePuts takes durable PUTs of jobs: one client in turns with bare bbolt, call by call, and 64
// clients in turns with one.
func measurePuts(ctx context.Context, b *bench) ([]figure, error) {
	process, err := b.start(ctx, "puts")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	if err := postJobs(ctx, process, connections); err != nil {
		return nil, err
	}
	single, err := b.putsInTurns(ctx, process)
	if err != nil {
		return nil, err
	}
	group, err := b.putsTogether(ctx, process)
	if err != nil {
		return nil, err
	}
	return []figure{single, group}, nil
}

func jobName(i int) string { return fmt.Sprintf("put %02d", i) }

func jobBody(i int) string {
	return agent.JobBody(jobName(i), "0 0 1 1 *", "echo a script of one line\n")
}

func postJobs(ctx context.Context, process *agent.Process, count int) error {
	client, err := process.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	for i := range count {
		if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job",
			jobBody(i)); err != nil {
			return err
		}
	}
	return nil
}

func putFleet(ctx context.Context, process *agent.Process, size int) (*fleet, error) {
	config, err := process.TLS()
	if err != nil {
		return nil, err
	}
	credentials, err := process.Credentials()
	if err != nil {
		return nil, err
	}
	return dialFleet(ctx, size, local(process.Port), config, func(i int) []byte {
		return request(credentials, http.MethodPut, "/agent/job", jobBody(i))
	})
}

// putsInTurns compares one client's PUT with one put and fsync of bare bbolt, of the same bytes on
// the same file system.
func (b *bench) putsInTurns(ctx context.Context, process *agent.Process) (f figure, err error) {
	one, err := putFleet(ctx, process, 1)
	if err != nil {
		return figure{}, err
	}
	defer one.close()
	path := filepath.Join(b.dir, "bare.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, db.Close(), os.Remove(path)) }()
	var ours, bare []time.Duration
	for i := range 150 * b.rounds {
		begun := time.Now()
		if err := one.wires[0].ask(one.requests[0]); err != nil {
			return figure{}, err
		}
		between := time.Now()
		if err := put(db, jobName(i%connections), jobBody(i%connections)); err != nil {
			return figure{}, err
		}
		ours, bare = append(ours, between.Sub(begun)), append(bare, time.Since(between))
	}
	mine, base := quantile(ours, 0.5), quantile(bare, 0.5)
	share := float64(base) / float64(mine)
	return figure{
		what: "durable PUT /agent/job, one client (median)", measured: millis(mine),
		baseline: millis(base) + " bbolt put+fsync",
		ratio:    fmt.Sprintf("%.2f", share), goal: fmt.Sprintf(">= %.1f", putGoal),
		met: judge(share >= putGoal),
	}, nil
}

func put(db *bbolt.DB, key, value string) error {
	return db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("jobs"))
		if err != nil {
			return err
		}
		return bucket.Put([]byte(key), []byte(value))
	})
}

// putsTogether compares 64 clients, each with a job of its own, with one client.
func (b *bench) putsTogether(ctx context.Context, process *agent.Process) (figure, error) {
	one, err := putFleet(ctx, process, 1)
	if err != nil {
		return figure{}, err
	}
	defer one.close()
	many, err := putFleet(ctx, process, connections)
	if err != nil {
		return figure{}, err
	}
	defer many.close()
	var ratios, singles, groups []float64
	for range b.rounds {
		single, err := one.flatOut(b.spell)
		if err != nil {
			return figure{}, err
		}
		group, err := many.flatOut(b.spell)
		if err != nil {
			return figure{}, err
		}
		ratios, singles, groups = append(ratios, group/single), append(singles,
			single), append(groups, group)
	}
	times := median(ratios)
	return figure{
		what: "durable PUT /agent/job, 64 clients", measured: fmt.Sprintf("%.0f/s", median(groups)),
		baseline: fmt.Sprintf("%.0f/s one client", median(singles)),
		ratio:    fmt.Sprintf("%.1f", times), goal: fmt.Sprintf(">= %.0f", groupGoal),
		met: judge(times >= groupGoal),
	}, nil
}
