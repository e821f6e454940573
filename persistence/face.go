package persistence

import (
	"io"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/salvage"
	"gusty/persistence/internal/verify"
)

// Why a store does not open; each says what it means where it is declared.
var (
	ErrDamaged            = format.ErrDamaged
	ErrWrongKey           = format.ErrWrongKey
	ErrForeign            = boltfile.ErrForeign
	ErrNewerFormat        = format.ErrNewerFormat
	ErrKeyWithoutDatabase = format.ErrKeyWithoutDatabase
	ErrRolledBack         = format.ErrRolledBack
)

type (
	// InUseError says that another process holds the data directory.
	InUseError = datadir.InUseError
	// Key is a key-encryption key. It wraps the data keys and seals nothing else.
	Key = keyring.Key
)

// IsStorageError reports whether an error means that a disk has no room, no quota left, or is
// read-only: nothing is wrong with what was to be written, and it may be written later.
func IsStorageError(err error) bool { return datadir.IsStorageError(err) }

// SpawnVerifier returns an Options.VerifyChild that runs command with the database's path behind
// it; that program calls VerifyMain.
func SpawnVerifier(command ...string) func(path string, kek Key) error {
	return verify.SpawnVerifier(command...)
}

// VerifyMain is the body of a verifying child; it returns the exit code.
func VerifyMain(path string, in io.Reader, out io.Writer) (code int) {
	return verify.VerifyMain(path, in, out)
}

// SpawnSalvager returns a Salvager that runs command with the database's path behind it; that
// program calls SalvageMain.
func SpawnSalvager(command ...string) salvage.Salvager { return salvage.SpawnSalvager(command...) }

// SalvageMain is the body of a salvaging child; it returns the exit code.
func SalvageMain(path string, in io.Reader, out, complain io.Writer) (code int) {
	return salvage.SalvageMain(path, in, out, complain)
}
