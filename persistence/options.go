package persistence

import (
	"log/slog"
	"path/filepath"
	"time"

	"gusty/messages"
)

// Options say where a store lies and how it is opened.
type Options struct {
	Dir     string // made where it does not exist
	KeyFile string // empty: the file key in Dir
	Build   messages.Build
	Logger  *slog.Logger // nil: nothing is logged
	// VerifyChild checks the file at path before anything trusts it, in a process of its own (see SpawnVerifier). nil: VerifyFile, here.
	VerifyChild func(path string) error
	// StartEmpty moves a damaged database aside, under a name with the time, and begins a new one.
	StartEmpty bool
	// Existing refuses to make a store where there is none: for tools that work on the store of a stopped agent.
	Existing bool

	now func() time.Time // nil: time.Now; for tests
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
}

func (o *Options) keyFile() string {
	if o.KeyFile != "" {
		return o.KeyFile
	}
	return filepath.Join(o.Dir, keyName)
}

func (o *Options) databaseFile() string { return filepath.Join(o.Dir, databaseName) }

func (o *Options) outputDir() string { return filepath.Join(o.Dir, outputName) }
