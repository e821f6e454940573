package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
	"gusty/persistence"
)

const (
	rotatePath = "/agent/store/rotate"
	// rotationPoll is how often a rotation is asked for how far it is.
	rotationPoll = 500 * time.Millisecond
)

// rotationStatus is what the agent tells of a rotation.
type rotationStatus struct {
	State           messages.RotationState `json:"state"`
	KeyVersion      uint32                 `json:"key_version"`
	Rows            uint64                 `json:"rows"`
	RowsLeft        uint64                 `json:"rows_left"`
	OutputFilesLeft uint64                 `json:"output_files_left"`
	LastError       string                 `json:"last_error"`
}

// rotateOnline lets a running agent change its data key, and waits until everything is sealed anew.
// An interrupt ends the waiting alone.
func (a *app) rotateOnline(ctx context.Context, detach bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, request{method: http.MethodPost, path: rotatePath})
	if err != nil || detach {
		return a.sayRotation(got, err)
	}
	progress, clearLine := a.percent("sealing anew")
	defer clearLine()
	for {
		var status rotationStatus
		if err := got.decode(&status); err != nil {
			return err
		}
		if status.State == messages.RotationIdle || status.LastError != "" {
			clearLine()
			return a.rotationEnd(got, &status)
		}
		status.show(progress)
		select {
		case <-ctx.Done():
			return exit.Failedf(
				"interrupted; the agent goes on by itself, and gustyctl key status " +
					"shows how far it is")
		case <-time.After(rotationPoll):
		}
		if got, err = c.call(ctx, get(rotatePath)); err != nil {
			return err
		}
	}
}

// sayRotation prints the agent's answer as it is.
func (a *app) sayRotation(got *answer, err error) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(got.body)
	}
	return a.printObject(got)
}

func (a *app) rotationEnd(got *answer, status *rotationStatus) error {
	if status.LastError != "" {
		return exit.Failedf(
			"the rotation to data key %d waits: %s; gustyctl key status shows how far it is",
			status.KeyVersion, status.LastError)
	}
	if a.json {
		return a.printJSON(got.body)
	}
	return a.printLine(fmt.Sprintf("everything is sealed with data key %d; the older one is "+
		"deleted", status.KeyVersion))
}

// show draws the rows, which are most of it.
func (s *rotationStatus) show(progress func(done, all uint64)) {
	if progress != nil && s.State == messages.RotationOfRows {
		progress(s.Rows-min(s.RowsLeft, s.Rows), s.Rows)
	}
}

// rotateOffline changes the data key in the store of a stopped agent.
func (a *app) rotateOffline(ctx context.Context, dir dataDir, keyFile string) error {
	progress, clearLine := a.percent("sealing anew")
	version, err := rotateStore(ctx, a.storeOptions(ctx, dir, keyFile),
		func(k messages.KeyRotation) {
			(&rotationStatus{State: k.State, Rows: k.Rows, RowsLeft: k.RowsLeft}).show(progress)
		})
	clearLine()
	if err != nil {
		return explainKey(dir, err)
	}
	if a.json {
		return a.write(fmt.Appendf(nil, "{\"state\":\"idle\",\"key_version\":%d}\n", version))
	}
	return a.printLine(fmt.Sprintf("everything in %s is sealed with data key %d; the older one "+
		"is deleted", dir, version))
}

// rotateStore is rotateOffline without what is printed. Where a rotation is under way it is brought
// to its end instead.
func rotateStore(ctx context.Context, o persistence.Options,
	progress func(messages.KeyRotation),
) (version uint32, err error) {
	store, err := persistence.Open(o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.RotateKey(); err != nil && messages.CodeOf(err) != messages.CodeConflict {
		return 0, err
	}
	end, err := store.AwaitRotation(ctx, progress)
	return end.KeyVersion, err
}
