package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"gusty/messages"
)

const (
	// credentialName is the key among systemd's credentials (LoadCredential=,
	// LoadCredentialEncrypted=).
	credentialName     = "gusty.key"
	credentialVariable = "CREDENTIALS_DIRECTORY"
	passphraseVariable = "GUSTY_PASSPHRASE_FILE"
	maxPassphraseBytes = 4096
	howToNameTheKey    = "give --key-file, the systemd credential " + credentialName + " or " +
		passphraseVariable
	passphraseElsewhere = "start at a terminal, or name a file with it in " + passphraseVariable
)

// keySource is where a key-encryption key comes from.
type keySource interface {
	// String names the source in messages.
	String() string
	kind() byte
	// key returns the key; s matters to passphrases alone. The error wraps fs.ErrNotExist where
	// there is none yet, else ErrWrongKey, unless it is that of who was asked.
	key(s *stretching) (Key, error)
	// check says by its error whether there is a key, as key does, and makes none.
	check() error
	// isElsewhere reports whether the key comes from outside of the data directory.
	isElsewhere(dataDir string) bool
}

// sourceOptions say where a key-encryption key may come from.
type sourceOptions struct {
	dir        string // the data directory
	keyFile    string // that was named; empty: none was
	passphrase bool   // a new store is to have a passphrase
	// ask asks for a passphrase, twice where isNew says that it is to be set; nil: nobody is there
	ask    func(isNew bool) (messages.Secret, error)
	getenv func(string) string
}

// findSource returns the first source that is configured, in the order of Options. kind is that of
// the database, where there is one.
func findSource(o *sourceOptions, kind byte) (keySource, error) {
	if o.keyFile != "" {
		return keyFile{path: o.keyFile, how: " (--key-file)"}, nil
	}
	if dir := o.getenv(credentialVariable); dir != "" {
		path := filepath.Join(dir, credentialName)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return keyFile{path: path, how: " (a systemd credential)"}, nil
		}
	}
	if path := o.getenv(passphraseVariable); path != "" {
		read := func() (messages.Secret, error) { return readPassphrase(path) }
		return newPassphrase("the passphrase in "+path+" ("+passphraseVariable+")", read), nil
	}
	if kind == kekPassphrase || o.passphrase {
		return askedPassphrase(o, kind)
	}
	return keyFile{path: filepath.Join(o.dir, keyName)}, nil
}

func askedPassphrase(o *sourceOptions, kind byte) (keySource, error) {
	if o.ask == nil {
		return nil, fmt.Errorf("%w: its key is made of a passphrase, and there is nobody to ask "+
			"for it; %s", ErrWrongKey, passphraseElsewhere)
	}
	return newPassphrase("that passphrase", func() (messages.Secret, error) {
		return o.ask(kind == kekUnknown)
	}), nil
}

func (k keyFile) String() string { return "the key in " + k.path + k.how }

func (keyFile) kind() byte { return kekFile }

func (k keyFile) key(*stretching) (Key, error) { return ReadKeyFile(k.path) }

func (k keyFile) check() error {
	_, err := ReadKeyFile(k.path)
	return err
}

func (k keyFile) isElsewhere(dataDir string) bool {
	return filepath.Dir(filepath.Clean(k.path)) != filepath.Clean(dataDir)
}

// passphrase is a source that is asked once.
type passphrase struct {
	what string
	read func() (messages.Secret, error)
}

func newPassphrase(what string, read func() (messages.Secret, error)) passphrase {
	return passphrase{what: what, read: sync.OnceValues(read)}
}

func (p passphrase) String() string { return p.what }

func (passphrase) kind() byte { return kekPassphrase }

func (p passphrase) key(s *stretching) (Key, error) {
	if err := p.check(); err != nil {
		return Key{}, err
	}
	secret, err := p.read()
	return s.key(secret), err
}

func (p passphrase) check() error {
	secret, err := p.read()
	switch {
	case err != nil:
		return err
	case secret == "":
		return fmt.Errorf("%w: %s is empty; %s", ErrWrongKey, p.what, passphraseElsewhere)
	}
	return nil
}

func (passphrase) isElsewhere(string) bool { return true }

// checkNew refuses a passphrase that is too short to be set.
func (p passphrase) checkNew() error {
	secret, err := p.read()
	if err == nil && len(secret) < minPassphraseBytes {
		err = fmt.Errorf("%s is shorter than %d bytes, and would be guessed; choose a longer "+
			"one, of several words", p.what, minPassphraseBytes)
	}
	return err
}

// readPassphrase returns the first line of a file.
func readPassphrase(path string) (messages.Secret, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "",
			fmt.Errorf("%w: there is no passphrase at %s; make that file, or correct %s",
				ErrWrongKey, path, passphraseVariable)
	}
	if err != nil {
		return "", fmt.Errorf("%w: the passphrase can't be read (%w); give its file to the "+
			"agent's user", ErrWrongKey, err)
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) > maxPassphraseBytes {
		return "", fmt.Errorf("%w: the passphrase in %s is over %d bytes; its first line is all "+
			"that counts", ErrWrongKey, path, maxPassphraseBytes)
	}
	return messages.Secret(line), nil
}
