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
	lock, err := lockDir(o.Dir)
	if err != nil {
		return Restored{}, err
	}
	done, err := o.restore(archive)
	return done, errors.Join(err, unlock(lock))
}

func (o *RestoreOptions) restore(archive io.Reader) (done Restored, err error) {
	if err := finishSwaps(o.Dir); err != nil {
		return done, err
	}
	fresh, err := beginSwap(o.Dir)
	if err != nil {
		return done, err
	}
	if done.Manifest, err = o.unpack(archive, fresh); err != nil {
		return done, errors.Join(err, os.RemoveAll(fresh))
	}
	suffix, err := commitSwap(o.Dir, "replaced", time.Now())
	if err != nil {
		return done, fmt.Errorf("replace the store: %w", err)
	}
	done.Kept = keptFiles(o.Dir, suffix)
	return done, nil
}

// key finds the key of the backup's database.
func (o *RestoreOptions) key(database string) (Key, error) {
	h, err := headerOf(database)
	if err != nil {
		return Key{}, inBackupOf(err)
	}
	store := Options{Dir: o.Dir, KeyFile: o.KeyFile, AskPassphrase: o.AskPassphrase}
	store.setDefaults()
	source, err := findSource(store.source(), h.kekKind)
	if err != nil {
		return Key{}, err
	}
	if source.kind() != h.kekKind {
		return Key{}, fmt.Errorf("%w in the backup: it needs %s, and %s was given; name the "+
			"right one", ErrWrongKey, kindName(h.kekKind), source)
	}
	kek, err := source.key(&h.stretching)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: there is no key at %s; copy the key of the agent that made the "+
			"backup there, or %s",
			ErrWrongKey, source.(keyFile).path, howToNameTheKey)
	}
	return kek, err
}

// unpack writes the backup's files to fresh and verifies them there.
func (o *RestoreOptions) unpack(archive io.Reader, fresh string) (Manifest, error) {
	if err := makeDir(filepath.Join(fresh, outputName)); err != nil {
		return Manifest{}, err
	}
	m, err := ReadBackup(archive, func(name string, content io.Reader) error {
		return writeContent(filepath.Join(fresh, filepath.FromSlash(name)), content)
	})
	if err != nil {
		return m, err
	}
	kek, err := o.key(filepath.Join(fresh, databaseName))
	if err != nil {
		return m, err
	}
	if err := VerifyFile(filepath.Join(fresh, databaseName), kek); err != nil {
		return m, inBackupOf(err)
	}
	if err := verifyOutput(fresh, kek); err != nil {
		return m, err
	}
	if err := noteGeneration(fresh, kek); err != nil || !o.InstallKey {
		return m, err
	}
	text, err := protect(keyText(kek))
	if err != nil {
		return m, err
	}
	return m, writeSynced(filepath.Join(fresh, keyName), text)
}

// inBackupOf says what an error of the verification means for a backup: its sentence is about a
// data directory.
func inBackupOf(err error) error {
	switch {
	case errors.Is(err, ErrWrongKey):
		return fmt.Errorf(
			"%w in the backup: it was made with another key; name that with --key-file",
			ErrWrongKey)
	case errors.Is(err, ErrNewerFormat):
		return fmt.Errorf("the backup: %w than this one; use that version", ErrNewerFormat)
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
	for _, name := range swapped() {
		if there, err := exists(filepath.Join(dir, name+suffix)); err == nil && there {
			kept = append(kept, filepath.Join(dir, name+suffix))
		}
	}
	return kept
}

// verifyOutput opens every frame of the output files beside a verified database.
func verifyOutput(dir string, kek Key) error {
	ring, err := keyringOf(filepath.Join(dir, databaseName), kek)
	if err != nil {
		return err
	}
	output := filepath.Join(dir, outputName)
	return eachFile(output, func(name string) error {
		run, _ := parseRunKey(trimSegment(name))
		number := int(name[len(name)-1] - '0')
		return verifySegment(output, ring, run, number)
	})
}

func verifySegment(dir string, ring *keyring, run runKey, number int) error {
	r, err := openSegment(dir, ring, run, number)
	if err != nil || r == nil {
		return err
	}
	for err == nil {
		_, err = r.next()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.close())
}

// keyringOf opens the keys of a closed database that was verified.
func keyringOf(path string, kek Key) (ring *keyring, err error) {
	err = lookInto(path, kek, func(v *verifier) error {
		ring = v.opener.ring
		return nil
	})
	return ring, err
}
