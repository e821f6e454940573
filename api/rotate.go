package api

import (
	"net/http"

	"gusty/messages"
)

// KeyRotator changes the store's data key. It is safe for concurrent use.
type KeyRotator interface {
	// RotateKey makes a new data key and returns; what older ones sealed is sealed anew in the
	// background. An *Error of conflict: that is under way.
	RotateKey() error
	KeyRotation() (messages.KeyRotation, error)
}

// rotationAnswer tells which data key seals, and how far the rotation to it is.
type rotationAnswer struct {
	State           messages.RotationState `json:"state" schema:"enum=idle|rows|output"`
	KeyVersion      uint32                 `json:"key_version"`
	Rows            uint64                 `json:"rows"` // that there were at its begin
	RowsLeft        uint64                 `json:"rows_left"`
	OutputFilesLeft uint64                 `json:"output_files_left"`
	BeganAt         *string                `json:"began_at" schema:"format=date-time"`
	Seals           uint64                 `json:"seals"`
	RotatesAtSeals  uint64                 `json:"rotates_at_seals"`
	LastError       *string                `json:"last_error"`
}

func getRotation(r *request) error {
	k, err := r.server.options.Keys.KeyRotation()
	if err != nil {
		return err
	}
	return r.ok(newRotationAnswer(&k))
}

func postRotation(r *request) error {
	if err := r.server.options.Keys.RotateKey(); err != nil {
		return err
	}
	k, err := r.server.options.Keys.KeyRotation()
	if err != nil {
		return err
	}
	return r.json(http.StatusAccepted, newRotationAnswer(&k))
}

func newRotationAnswer(k *messages.KeyRotation) rotationAnswer {
	return rotationAnswer{
		State: k.State, KeyVersion: k.KeyVersion, Rows: k.Rows, RowsLeft: k.RowsLeft,
		OutputFilesLeft: k.FilesLeft, BeganAt: timeOrNull(k.BeganAt),
		Seals: k.Seals, RotatesAtSeals: k.RotatesAtSeals, LastError: textOrNull(k.LastError),
	}
}

func rotateRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/store/rotate", Added: true, Scope: messages.ScopeStore,
			handle:  getRotation,
			Summary: "How far the change of the store's data key is",
			Answers: answers(rotationAnswer{}),
		},
		{
			Method: post, Path: "/agent/store/rotate", Added: true, Scope: messages.ScopeStore,
			handle:  postRotation,
			Summary: "Change the store's data key", Errors: []int{http.StatusConflict},
			Answers: []Answer{{
				Status: http.StatusAccepted,
				Body:   rotationAnswer{},
				Doc:    "A new key is in use; everything is sealed anew with it",
			}},
		},
	}
}
