//go:build faults

package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// commitAsBuilt lets a commit fail when a test asks for it: while the directory $GUSTY_FAULTS holds
// a file named commit, with the error that its text names. This is no part of a release: only -tags
// faults compiles it.
func commitAsBuilt(tx *bolt.Tx) error {
	text, err := os.ReadFile(filepath.Join(os.Getenv("GUSTY_FAULTS"), "commit"))
	if err != nil {
		return tx.Commit()
	}
	errno := map[string]syscall.Errno{
		"EIO":    syscall.EIO,
		"EDQUOT": syscall.EDQUOT,
		"ENOSPC": syscall.ENOSPC,
		"EROFS":  syscall.EROFS,
	}
	return errors.Join(fmt.Errorf("injected by a test: %w", errno[strings.TrimSpace(string(text))]),
		tx.Rollback())
}
