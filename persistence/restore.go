package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gusty/internal/private"
	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// RestoreOptions say where a backup goes and where its key comes from.
type RestoreOptions struct {
	Dir     string // of no running agent; made where it does not exist
	KeyFile string // empty: as in Options
	// AskPassphrase asks for the passphrase of the backup's store, as in Options.
	AskPassphrase func(isNew bool) (messages.Secret, error)
	// InstallKey puts the key of KeyFile into Dir, too.
	InstallKey bool
	Logger     *slog.Logger // nil: nothing is logged
}

// Restored says what Restore did.
type Restored struct {
	Manifest Manifest
	Kept     []string // the files that were there before, under their new names
}

// Restore replaces the store in o.Dir by a backup. All of it is verified before anything is
// replaced: the archive by its manifest, the database page by page and row by row, as at every
// start, and each output file frame by frame. What was there is kept under names with the time. The
// replacing can be cut off at any moment; whoever opens the store next carries it on. The error is
// an *InUseError, or wraps one of ErrBackup, ErrDamaged, ErrWrongKey and ErrNewerFormat, or is one
// of the file system.
func Restore(o RestoreOptions, archive io.Reader) (Restored, error) {
	store := Options{Logger: o.Logger}
	store.setDefaults()
	if err := makeDataDir(o.Dir, store.Logger); err != nil {
		return Restored{}, err
	}
	lock, err := datadir.LockDir(o.Dir)
	if err != nil {
		return Restored{}, err
	}
	done, err := o.restore(archive)
	return done, errors.Join(err, datadir.Unlock(lock))
}

func (o *RestoreOptions) restore(archive io.Reader) (done Restored, err error) {
	if err := datadir.FinishSwaps(o.Dir); err != nil {
		return done, err
	}
	fresh, err := datadir.BeginSwap(o.Dir)
	if err != nil {
		return done, err
	}
	if done.Manifest, err = o.unpack(archive, fresh); err != nil {
		return done, errors.Join(err, os.RemoveAll(fresh))
	}
	suffix, err := datadir.CommitSwap(o.Dir, "replaced", time.Now())
	if err != nil {
		return done, fmt.Errorf("replace the store: %w", err)
	}
	done.Kept = keptFiles(o.Dir, suffix)
	return done, nil
}

// Key finds the key of the backup's database.
func (o *RestoreOptions) Key(database string) (keyring.Key, error) {
	h, err := verify.HeaderOf(database)
	if err != nil {
		return keyring.Key{}, inBackupOf(err)
	}
	store := Options{Dir: o.Dir, KeyFile: o.KeyFile, AskPassphrase: o.AskPassphrase}
	store.setDefaults()
	source, err := keyring.FindSource(store.source(), h.KekKind)
	if err != nil {
		return keyring.Key{}, err
	}
	if source.Kind() != h.KekKind {
		return keyring.Key{}, fmt.Errorf("%w in the backup: it needs %s, and %s was given; name "+
			"the "+
			"right one", format.ErrWrongKey, keyring.KindName(h.KekKind), source)
	}
	kek, err := source.Key(&h.Stretching)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: there is no key at %s; copy the key of the agent that made the "+
			"backup there, or %s",
			format.ErrWrongKey, source.(keyring.KeyFile).Path, keyring.HowToNameTheKey)
	}
	return kek, err
}

// unpack writes the backup's files to fresh and verifies them there.
func (o *RestoreOptions) unpack(archive io.Reader, fresh string) (Manifest, error) {
	if err := datadir.MakeDir(filepath.Join(fresh, datadir.OutputName)); err != nil {
		return Manifest{}, err
	}
	m, err := ReadBackup(archive, func(name string, content io.Reader) error {
		return writeContent(filepath.Join(fresh, filepath.FromSlash(name)), content)
	})
	if err != nil {
		return m, err
	}
	kek, err := o.Key(filepath.Join(fresh, datadir.DatabaseName))
	if err != nil {
		return m, err
	}
	if err := verify.VerifyFile(filepath.Join(fresh, datadir.DatabaseName), kek); err != nil {
		return m, inBackupOf(err)
	}
	if err := verifyOutput(fresh, kek); err != nil {
		return m, err
	}
	if err := noteGeneration(fresh, kek); err != nil || !o.InstallKey {
		return m, err
	}
	text, err := keyring.Protect(keyring.KeyText(kek))
	if err != nil {
		return m, err
	}
	return m, datadir.WriteSynced(filepath.Join(fresh, datadir.KeyName), text)
}

// inBackupOf says what an error of the verification means for a backup: its sentence is about a
// data directory.
func inBackupOf(err error) error {
	switch {
	case errors.Is(err, format.ErrWrongKey):
		return fmt.Errorf(
			"%w in the backup: it was made with another key; name that with --key-file",
			format.ErrWrongKey)
	case errors.Is(err, format.ErrNewerFormat):
		return fmt.Errorf("the backup: %w than this one; use that version", format.ErrNewerFormat)
	}
	return fmt.Errorf("the backup can't be restored, its database is not whole: %w", err)
}

func writeContent(path string, content io.Reader) error {
	f, err := private.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// keptFiles lists what a swap has put aside.
func keptFiles(dir, suffix string) (kept []string) {
	for _, name := range datadir.Swapped() {
		if there, err := datadir.Exists(filepath.Join(dir, name+suffix)); err == nil && there {
			kept = append(kept, filepath.Join(dir, name+suffix))
		}
	}
	return kept
}

// verifyOutput opens every frame of the output files beside a verified database.
func verifyOutput(dir string, kek keyring.Key) error {
	ring, err := keyringOf(filepath.Join(dir, datadir.DatabaseName), kek)
	if err != nil {
		return err
	}
	output := filepath.Join(dir, datadir.OutputName)
	return eachFile(output, func(name string) error {
		run, _ := format.ParseRunKey(trimSegment(name))
		number := int(name[len(name)-1] - '0')
		return verifySegment(output, ring, run, number)
	})
}

func verifySegment(dir string, ring *keyring.Keyring, run format.RunKey, number int) error {
	r, err := openSegment(dir, ring, run, number)
	if err != nil || r == nil {
		return err
	}
	for err == nil {
		_, err = r.Next()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.close())
}

// keyringOf opens the keys of a closed database that was verified.
func keyringOf(path string, kek keyring.Key) (ring *keyring.Keyring, err error) {
	err = verify.LookInto(path, kek, func(v *verify.Verifier) error {
		ring = v.Opener.Ring
		return nil
	})
	return ring, err
}
