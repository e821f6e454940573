package main

import (
	"context"
	"errors"
	"io"
	"time"

	"gusty/actors"
	"gusty/internal/process"
	"gusty/messages"
	"gusty/persistence"
)

// orphanTimeout bounds how long the processes of interrupted runs are ended at start.
const orphanTimeout = 30 * time.Second

// actorStore is the database as the actors see it.
type actorStore struct{ *persistence.Store }

// NewOutput begins the output of a run.
func (s actorStore) NewOutput(runID string, limitBytes int64) actors.Output {
	return s.Store.NewOutput(runID, limitBytes)
}

// Backup makes a copy of the store, to be read once.
func (s actorStore) Backup() (messages.Backup, error) {
	b, err := s.Store.Backup()
	if err != nil {
		return messages.Backup{}, err
	}
	return messages.Backup{
		Bytes: b.Bytes(), Close: b.Close,
		WriteTo: func(w io.Writer) error {
			_, err := b.WriteTo(w)
			return err
		},
	}, nil
}

// launcher is the host as the actors see it.
type launcher struct{ host *process.Host }

// Start starts a process.
func (l launcher) Start(spec process.Spec) (actors.Process, error) {
	p, err := l.host.Start(spec)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// TryStart tries whether processes can be started.
func (l launcher) TryStart() error { return l.host.TryStart() }

// EndOrphans ends what earlier runs left.
func (l launcher) EndOrphans(orphans []process.Orphan) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), orphanTimeout)
	defer cancel()
	return l.host.EndOrphans(ctx, orphans)
}

// capabilities returns what the host offers to runs.
func (l launcher) capabilities() (list []messages.Capability) {
	for _, c := range l.host.Capabilities() {
		list = append(list, messages.Capability(c))
	}
	return list
}

// checkLimits refuses what this host cannot hold of a job.
func (l launcher) checkLimits(o *messages.JobOptions) error {
	err := l.host.Supports(process.Limits{
		MemoryLimitBytes: o.MemoryLimitBytes, CPULimitPercent: o.CPULimitPercent, Nice: o.Nice,
		RunAs: o.RunAs,
	})
	var unsupported *process.UnsupportedError
	if errors.As(err, &unsupported) {
		return messages.Invalidf(unsupported.Field, "%s", unsupported.Sentence)
	}
	return err
}
