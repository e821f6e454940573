package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"gusty/internal/private"
	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// prepare sees to it that there is a verified database and its key, and reports whether it made
// them.
func prepare(o *Options) (kek keyring.Key, fresh bool, err error) {
	hasDatabase, err := datadir.Exists(o.databaseFile())
	switch {
	case err != nil:
		return kek, false, err
	case hasDatabase:
		return prepareExisting(o)
	}
	return prepareNew(o)
}

// prepareExisting finds the key of the database and verifies it; a damaged one is moved aside where
// that was asked for, and a new one made.
func prepareExisting(o *Options) (kek keyring.Key, fresh bool, err error) {
	h, headerErr := verify.HeaderOf(o.databaseFile())
	source, err := keyring.FindSource(o.source(), h.KekKind)
	if err != nil {
		return kek, false, err
	}
	if headerErr == nil {
		kek, err = keyring.OpenKey(o.databaseFile(), source, &h)
	} else if kek, err = keyring.KeyOfUnreadable(source); errors.Is(err, fs.ErrNotExist) {
		err = headerErr
	}
	if err == nil {
		err = o.verify(kek)
	}
	if err == nil {
		keyring.RenewProtection(source, kek, o.Logger)
		return kek, false, nil
	}
	if !o.StartEmpty || !isUnusable(err) {
		return kek, false, err
	}
	if err := moveAside(o, time.Now()); err != nil {
		return kek, false, err
	}
	kek, err = beginAnew(o, source)
	return kek, true, err
}

// isUnusable reports whether the file is damaged, or so much so that it seems to be something else.
func isUnusable(verdict error) bool {
	return errors.Is(verdict, format.ErrDamaged) || errors.Is(verdict, boltfile.ErrForeign)
}

func (o *Options) verify(kek keyring.Key) error {
	if o.VerifyChild != nil {
		return o.VerifyChild(o.databaseFile(), kek)
	}
	return verify.VerifyFile(o.databaseFile(), kek)
}

// prepareNew tells a first start, or one that was cut short, from a lost database.
func prepareNew(o *Options) (kek keyring.Key, fresh bool, err error) {
	source, err := keyring.FindSource(o.source(), keyring.KekUnknown)
	if err != nil {
		return kek, false, err
	}
	if kek, ok := halfDone(o, source); ok {
		return kek, true, finish(o)
	}
	err = source.Check()
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (o.StartEmpty || isPristine(o, source)):
		kek, err = beginAnew(o, source)
		return kek, true, err
	case err != nil:
		return kek, false, err
	}
	return kek, false, fmt.Errorf("%w: %s is missing, and there is %s; restore it from a backup, "+
		"or start with --start-empty to begin anew",
		format.ErrKeyWithoutDatabase, o.databaseFile(), source)
}

// halfDone reports whether a first start was cut short when all but the database's name was done.
func halfDone(o *Options, source keyring.KeySource) (kek keyring.Key, ok bool) {
	half := o.databaseFile() + datadir.Unfinished
	h, err := verify.HeaderOf(half)
	if err != nil {
		return kek, false
	}
	kek, err = source.Key(&h.Stretching)
	return kek, err == nil && verify.VerifyFile(half, kek) == nil
}

// isPristine reports whether the key comes from elsewhere and the data directory holds nothing of
// an agent that has run: an operator may have put a certificate there, and a file system has a
// directory of its own at its top.
func isPristine(o *Options, source keyring.KeySource) bool {
	if !source.IsElsewhere(o.Dir) {
		return false
	}
	entries, err := os.ReadDir(o.Dir)
	return err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return !slices.Contains([]string{datadir.LockName, "tls", "lost+found"}, e.Name())
	})
}

// moveAside renames the damaged database and its output files; what they hold can still be looked
// at.
func moveAside(o *Options, now time.Time) error {
	suffix, err := datadir.FreeSuffix(o.Dir, "damaged", now)
	if err != nil {
		return fmt.Errorf("move the damaged database aside: %w", err)
	}
	for _, path := range []string{o.databaseFile(), o.outputDir()} {
		if err := os.Rename(path, path+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move the damaged database aside: %w", err)
		}
	}
	o.Logger.Warn("a damaged database was moved aside", "file", o.databaseFile()+suffix)
	return datadir.SyncDir(o.Dir)
}

// makeDataDir is MakeDir for a data directory. One that is there already is closed to others, or
// refused: see private.SecureDir.
func makeDataDir(dir string, logger *slog.Logger) error {
	if err := datadir.MakeDir(dir); err != nil {
		return err
	}
	return private.SecureDir(dir, logger)
}
