package persistence

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/keyring"
)

// Options say where a store lies and how it is opened.
type Options struct {
	Dir string // made where it does not exist
	// KeyFile names the key-encryption key. Empty: the systemd credential gusty.key, else the
	// passphrase that GUSTY_PASSPHRASE_FILE names or, where the store has one, that AskPassphrase
	// gives, else the file key in Dir, which a first start makes (on Windows protected by DPAPI).
	KeyFile string
	Build   messages.Build
	// Agent is set by the agent itself: each transaction notes its time, which tells a later start
	// when this life was last seen.
	Agent bool
	// BootID names this boot of the host. The notes of starts hold as long as it lasts; empty: none
	// are kept beyond the life of the process.
	BootID string
	Logger *slog.Logger // nil: nothing is logged
	// VerifyChild checks the file at path before anything trusts it, in a process of its own (see
	// SpawnVerifier). nil: VerifyFile, here.
	VerifyChild func(path string, kek keyring.Key) error
	// StartEmpty moves a damaged database aside, under a name with the time, and begins a new one.
	StartEmpty bool
	// Existing refuses to make a store where there is none: for tools that work on the store of a
	// stopped agent.
	Existing bool
	// GenerationFile notes how many transactions the database has seen, so that an older copy of it
	// is refused. Empty: the file generation in Dir.
	GenerationFile string
	// AcceptRollback takes an older copy of the database, as after the restore of a backup.
	AcceptRollback bool
	// AskPassphrase asks on a terminal, twice where isNew says that it is to be set. nil: there is
	// no terminal.
	AskPassphrase func(isNew bool) (messages.Secret, error)
	// Passphrase lets a first start ask for a passphrase instead of making a key file.
	Passphrase bool

	getenv      func(string) string // nil: os.Getenv; for tests
	now         func() time.Time    // nil: time.Now; for tests
	rotateAfter uint64              // 0: rotateAfterSeals; for tests
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.getenv == nil {
		o.getenv = os.Getenv
	}
}

func (o *Options) databaseFile() string { return filepath.Join(o.Dir, datadir.DatabaseName) }

func (o *Options) outputDir() string { return filepath.Join(o.Dir, datadir.OutputName) }

// source returns where the key-encryption key may come from.
func (o *Options) source() *keyring.SourceOptions {
	return &keyring.SourceOptions{
		Dir: o.Dir, KeyFile: o.KeyFile, Passphrase: o.Passphrase, Ask: o.AskPassphrase,
		Getenv: o.getenv,
	}
}
