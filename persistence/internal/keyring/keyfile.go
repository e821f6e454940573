package keyring

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gusty/internal/atomicfile"
	"gusty/internal/private"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// KeyBytes is the length of every key: AES-256 and HMAC-SHA256.
const KeyBytes = 32

// KeyPrefix stands before the hexadecimal digits in a key file, and numbers its form.
const KeyPrefix = "gusty-key-1:"

// Key is a key-encryption key. It wraps the data keys and seals nothing else. It prints as a mask.
type Key [KeyBytes]byte

// String keeps the key out of every print.
func (Key) String() string { return "********" }

// GoString keeps %#v from printing the key.
func (Key) GoString() string { return "********" }

// LogValue keeps slog from printing the key.
func (Key) LogValue() slog.Value { return slog.StringValue("********") }

func NewKey() (Key, error) {
	var k Key
	_, err := rand.Read(k[:])
	return k, err
}

// KeyFile is a file, or a credential, with a key as it stands.
type KeyFile struct {
	Path string
	how  string // it was named, for messages
}

// ReadKeyFile reads a key: "gusty-key-1:" and 64 hexadecimal digits, those digits alone, or 32 raw
// bytes; on Windows also what the first start writes there, protected by DPAPI. The error wraps
// ErrWrongKey where the file holds no key, and fs.ErrNotExist where there is no file.
func ReadKeyFile(path string) (Key, error) {
	text, err := readKeyText(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	if _, refused := errors.AsType[*atomicfile.RefusedError](err); refused {
		return Key{}, fmt.Errorf("%w: %w", format.ErrWrongKey, err)
	}
	if err != nil {
		return Key{},
			fmt.Errorf("%w: the key file can't be read (%w); give it to the agent's user",
				format.ErrWrongKey, err)
	}
	if text, err = Unprotect(text); err != nil {
		return Key{}, fmt.Errorf("%w: %s was made on another machine, and opens there alone "+
			"(%w); restore a copy that was exported there",
			format.ErrWrongKey, path, err)
	}
	k, ok := ParseKey(text)
	if !ok {
		return Key{},
			fmt.Errorf("%w: %s holds no key; restore it from a copy", format.ErrWrongKey, path)
	}
	return k, nil
}

func ParseKey(text []byte) (k Key, ok bool) {
	if len(text) == KeyBytes {
		return Key(text), true
	}
	digits := strings.TrimPrefix(strings.TrimSpace(string(text)), KeyPrefix)
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != KeyBytes {
		return k, false
	}
	return Key(raw), true
}

// KeyText is what ParseKey reads.
func KeyText(k Key) []byte {
	return []byte(KeyPrefix + hex.EncodeToString(k[:]) + "\n")
}

// WriteKeyFile makes the file durably, whole or not at all, and never replaces one.
func WriteKeyFile(path string, k Key) error {
	if err := PrepareKeyFile(path, k); err != nil {
		return err
	}
	path, err := placeOfKey(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("write the key file: %s has come into being meanwhile; start again", path)
	}
	return placeKeyFile(path)
}

// PrepareKeyFile writes a key durably beside path, where placeKeyFile takes it from.
func PrepareKeyFile(path string, k Key) error {
	if err := private.MakeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("make the directory of the key file: %w", err)
	}
	path, err := placeOfKey(path)
	if err != nil {
		return err
	}
	text, err := Protect(KeyText(k))
	if err != nil {
		return fmt.Errorf("protect the key: %w", err)
	}
	if err := datadir.WriteSynced(path+datadir.Unfinished, text); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return datadir.SyncDir(filepath.Dir(path))
}

func placeKeyFile(path string) error {
	path, err := placeOfKey(path)
	if err != nil {
		return err
	}
	if err := os.Rename(path+datadir.Unfinished, path); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return datadir.SyncDir(filepath.Dir(path))
}

// prepared returns the key that a change was cut short with, between the database's commit and the
// key's new name.
func (k KeyFile) prepared(h *Header) (fresh Key, found bool) {
	path, err := placeOfKey(k.Path)
	if err != nil {
		return fresh, false
	}
	fresh, err = ReadKeyFile(path + datadir.Unfinished)
	return fresh, err == nil && h.CheckKEK(fresh)
}

// ReplaceKeyFile puts the prepared key in the place of the old one. Of that a copy stays, since
// earlier backups open with it: its name is given.
func ReplaceKeyFile(path string) (kept string, err error) {
	if path, err = placeOfKey(path); err != nil {
		return "", err
	}
	text, err := atomicfile.ReadRegular(path)
	if err == nil {
		kept = RetiredName(path)
		err = datadir.WriteSynced(kept, text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keep the old key: %w", err)
	}
	return kept, placeKeyFile(path)
}

// RenewProtection writes a key file anew that an earlier version protected in another way. A start
// does not fail for want of it.
func RenewProtection(source KeySource, kek Key, logger *slog.Logger) {
	file, ok := source.(KeyFile)
	if !ok {
		return
	}
	old, err := os.ReadFile(file.Path)
	if err != nil || !isOutdated(old) {
		return
	}
	text, err := Protect(KeyText(kek))
	if err == nil {
		err = atomicfile.Write(file.Path, text, 0o600)
	}
	if err != nil {
		logger.Warn("the key file was not protected anew", "file", file.Path, "error", err)
		return
	}
	logger.Info("the key file was protected anew", "file", file.Path)
}

// RetiredName is what a key file is called that was replaced now.
func RetiredName(path string) string {
	return path + ".old-" + time.Now().UTC().Format("20060102T150405.000Z")
}

// placeOfKey returns where a key file is written: a link stays, and what it leads to is replaced.
func placeOfKey(path string) (string, error) {
	place, err := atomicfile.ResolveRegular(path)
	if err != nil {
		return "", fmt.Errorf("find the place of the key file: %w", err)
	}
	return place.Path, nil
}

// readKeyText reads a key file. One that this process was started with may be a pipe; of others a
// named pipe would wait for ever.
func readKeyText(path string) ([]byte, error) {
	place, err := atomicfile.Resolve(path)
	if err == nil && place.Descriptor >= 0 {
		return os.ReadFile(path)
	}
	return atomicfile.ReadRegular(path)
}
