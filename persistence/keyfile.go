package persistence

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
)

// keyBytes is the length of every key: AES-256 and HMAC-SHA256.
const keyBytes = 32

// keyPrefix stands before the hexadecimal digits in a key file, and numbers its form.
const keyPrefix = "gusty-key-1:"

// Key is a key-encryption key. It wraps the data keys and seals nothing else. It prints as a mask.
type Key [keyBytes]byte

// String keeps the key out of every print.
func (Key) String() string { return "********" }

// GoString keeps %#v from printing the key.
func (Key) GoString() string { return "********" }

// LogValue keeps slog from printing the key.
func (Key) LogValue() slog.Value { return slog.StringValue("********") }

func newKey() (Key, error) {
	var k Key
	_, err := rand.Read(k[:])
	return k, err
}

// keyFile is a file, or a credential, with a key as it stands.
type keyFile struct {
	path string
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
		return Key{}, fmt.Errorf("%w: %w", ErrWrongKey, err)
	}
	if err != nil {
		return Key{},
			fmt.Errorf("%w: the key file can't be read (%w); give it to the agent's user",
				ErrWrongKey, err)
	}
	if text, err = unprotect(text); err != nil {
		return Key{}, fmt.Errorf("%w: %s was made on another machine, and opens there alone "+
			"(%w); restore a copy that was exported there",
			ErrWrongKey, path, err)
	}
	k, ok := parseKey(text)
	if !ok {
		return Key{}, fmt.Errorf("%w: %s holds no key; restore it from a copy", ErrWrongKey, path)
	}
	return k, nil
}

func parseKey(text []byte) (k Key, ok bool) {
	if len(text) == keyBytes {
		return Key(text), true
	}
	digits := strings.TrimPrefix(strings.TrimSpace(string(text)), keyPrefix)
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != keyBytes {
		return k, false
	}
	return Key(raw), true
}

// keyText is what parseKey reads.
func keyText(k Key) []byte {
	return []byte(keyPrefix + hex.EncodeToString(k[:]) + "\n")
}

// writeKeyFile makes the file durably, whole or not at all, and never replaces one.
func writeKeyFile(path string, k Key) error {
	if err := prepareKeyFile(path, k); err != nil {
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

// prepareKeyFile writes a key durably beside path, where placeKeyFile takes it from.
func prepareKeyFile(path string, k Key) error {
	if err := private.MakeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("make the directory of the key file: %w", err)
	}
	path, err := placeOfKey(path)
	if err != nil {
		return err
	}
	text, err := protect(keyText(k))
	if err != nil {
		return fmt.Errorf("protect the key: %w", err)
	}
	if err := writeSynced(path+unfinished, text); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func placeKeyFile(path string) error {
	path, err := placeOfKey(path)
	if err != nil {
		return err
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// prepared returns the key that a change was cut short with, between the database's commit and the
// key's new name.
func (k keyFile) prepared(h *header) (fresh Key, found bool) {
	path, err := placeOfKey(k.path)
	if err != nil {
		return fresh, false
	}
	fresh, err = ReadKeyFile(path + unfinished)
	return fresh, err == nil && h.checkKEK(fresh)
}

// replaceKeyFile puts the prepared key in the place of the old one. Of that a copy stays, since
// earlier backups open with it: its name is given.
func replaceKeyFile(path string) (kept string, err error) {
	if path, err = placeOfKey(path); err != nil {
		return "", err
	}
	text, err := atomicfile.ReadRegular(path)
	if err == nil {
		kept = retiredName(path)
		err = writeSynced(kept, text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keep the old key: %w", err)
	}
	return kept, placeKeyFile(path)
}

// renewProtection writes a key file anew that an earlier version protected in another way. A start
// does not fail for want of it.
func renewProtection(source keySource, kek Key, logger *slog.Logger) {
	file, ok := source.(keyFile)
	if !ok {
		return
	}
	old, err := os.ReadFile(file.path)
	if err != nil || !isOutdated(old) {
		return
	}
	text, err := protect(keyText(kek))
	if err == nil {
		err = atomicfile.Write(file.path, text, 0o600)
	}
	if err != nil {
		logger.Warn("the key file was not protected anew", "file", file.path, "error", err)
		return
	}
	logger.Info("the key file was protected anew", "file", file.path)
}

// retiredName is what a key file is called that was replaced now.
func retiredName(path string) string {
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
