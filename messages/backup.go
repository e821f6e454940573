package messages

import "io"

// Requests about the store as a whole.
type (
	// MakeBackup asks for a consistent copy of the store, still sealed. Reply: Backup. Code busy:
	// another one is under way; a storage_… code: there is no room for the copy.
	MakeBackup struct{ Origin Origin }
	// Backup is a copy that waits to be read, once. Whoever got it calls Close, which removes it.
	Backup struct {
		Bytes   int64 // of the files in it, for those who show progress
		WriteTo func(io.Writer) error
		Close   func()
	}
)
