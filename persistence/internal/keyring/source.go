package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"gusty/messages"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

const (
	// CredentialName is the key among systemd's credentials (LoadCredential=,
	// LoadCredentialEncrypted=).
	CredentialName     = "gusty.key"
	CredentialVariable = "CREDENTIALS_DIRECTORY"
	PassphraseVariable = "GUSTY_PASSPHRASE_FILE"
	maxPassphraseBytes = 4096
	HowToNameTheKey    = "give --key-file, the systemd credential " + CredentialName + " or " +
		PassphraseVariable
	passphraseElsewhere = "start at a terminal, or name a file with it in " + PassphraseVariable
)

// KeySource is where a key-encryption key comes from.
type KeySource interface {
	// String names the source in messages.
	String() string
	Kind() byte
	// Key returns the key; s matters to passphrases alone. The error wraps fs.ErrNotExist where
	// there is none yet, else ErrWrongKey, unless it is that of who was asked.
	Key(s *Stretching) (Key, error)
	// Check says by its error whether there is a key, as key does, and makes none.
	Check() error
	// IsElsewhere reports whether the key comes from outside of the data directory.
	IsElsewhere(dataDir string) bool
}

// SourceOptions say where a key-encryption key may come from.
type SourceOptions struct {
	Dir        string // the data directory
	KeyFile    string // that was named; empty: none was
	Passphrase bool   // a new store is to have a passphrase
	// Ask asks for a passphrase, twice where isNew says that it is to be set; nil: nobody is there
	Ask    func(isNew bool) (messages.Secret, error)
	Getenv func(string) string
}

// FindSource returns the first source that is configured, in the order of Options. kind is that of
// the database, where there is one.
func FindSource(o *SourceOptions, kind byte) (KeySource, error) {
	if o.KeyFile != "" {
		return KeyFile{Path: o.KeyFile, how: " (--key-file)"}, nil
	}
	if dir := o.Getenv(CredentialVariable); dir != "" {
		path := filepath.Join(dir, CredentialName)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return KeyFile{Path: path, how: " (a systemd credential)"}, nil
		}
	}
	if path := o.Getenv(PassphraseVariable); path != "" {
		read := func() (messages.Secret, error) { return readPassphrase(path) }
		return NewPassphrase("the passphrase in "+path+" ("+PassphraseVariable+")", read), nil
	}
	if kind == KekPassphrase || o.Passphrase {
		return askedPassphrase(o, kind)
	}
	return KeyFile{Path: filepath.Join(o.Dir, datadir.KeyName)}, nil
}

func askedPassphrase(o *SourceOptions, kind byte) (KeySource, error) {
	if o.Ask == nil {
		return nil, fmt.Errorf("%w: its key is made of a passphrase, and there is nobody to ask "+
			"for it; %s", format.ErrWrongKey, passphraseElsewhere)
	}
	return NewPassphrase("that passphrase", func() (messages.Secret, error) {
		return o.Ask(kind == KekUnknown)
	}), nil
}

func (k KeyFile) String() string { return "the key in " + k.Path + k.how }

func (KeyFile) Kind() byte { return KekFile }

func (k KeyFile) Key(*Stretching) (Key, error) { return ReadKeyFile(k.Path) }

func (k KeyFile) Check() error {
	_, err := ReadKeyFile(k.Path)
	return err
}

func (k KeyFile) IsElsewhere(dataDir string) bool {
	return filepath.Dir(filepath.Clean(k.Path)) != filepath.Clean(dataDir)
}

// Passphrase is a source that is asked once.
type Passphrase struct {
	what string
	read func() (messages.Secret, error)
}

func NewPassphrase(what string, read func() (messages.Secret, error)) Passphrase {
	return Passphrase{what: what, read: sync.OnceValues(read)}
}

func (p Passphrase) String() string { return p.what }

func (Passphrase) Kind() byte { return KekPassphrase }

func (p Passphrase) Key(s *Stretching) (Key, error) {
	if err := p.Check(); err != nil {
		return Key{}, err
	}
	secret, err := p.read()
	return s.Key(secret), err
}

func (p Passphrase) Check() error {
	secret, err := p.read()
	switch {
	case err != nil:
		return err
	case secret == "":
		return fmt.Errorf("%w: %s is empty; %s", format.ErrWrongKey, p.what, passphraseElsewhere)
	}
	return nil
}

func (Passphrase) IsElsewhere(string) bool { return true }

// CheckNew refuses a passphrase that is too short to be set.
func (p Passphrase) CheckNew() error {
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
				format.ErrWrongKey, path, PassphraseVariable)
	}
	if err != nil {
		return "", fmt.Errorf("%w: the passphrase can't be read (%w); give its file to the "+
			"agent's user", format.ErrWrongKey, err)
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) > maxPassphraseBytes {
		return "", fmt.Errorf("%w: the passphrase in %s is over %d bytes; its first line is all "+
			"that counts", format.ErrWrongKey, path, maxPassphraseBytes)
	}
	return messages.Secret(line), nil
}
