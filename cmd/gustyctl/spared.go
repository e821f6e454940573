package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gusty/internal/atomicfile"
	"gusty/internal/outfile"
)

// sparedFiles are those of agents, which no command writes over.
type sparedFiles struct {
	dirs     []dataDir
	keyFiles []string
}

// check reports by its error that what was found is such a file.
func (s sparedFiles) check(found outfile.Found) error {
	switch {
	case s.hasKey(found):
		return sparedError(found, "holds the key of a store")
	case s.isOfAgent(found), isDatabase(found.Head):
		return sparedError(found, "is a file of an agent")
	}
	return nil
}

func sparedError(found outfile.Found, why string) error {
	name := found.Path
	if name == "" {
		name = "standard output"
	}
	return &atomicfile.RefusedError{Name: name, Reason: why + "; name another file"}
}

// hasKey knows a key by its text, and the key files that were named whatever they hold.
func (s sparedFiles) hasKey(found outfile.Found) bool {
	isNamed := func(name string) bool { return name != "" && isFile(found, name) }
	isKey := bytes.HasPrefix(found.Head, []byte("gusty-key-"))
	return isKey || slices.ContainsFunc(s.keyFiles, isNamed)
}

// isDatabase knows a database of bbolt, wherever it lies, by the mark on its first page.
func isDatabase(head []byte) bool {
	const at = 16
	return len(head) >= at+4 && bytes.Equal(head[at:at+4], []byte{0xED, 0xDA, 0x0C, 0xED})
}

// isOfAgent reports whether the name is one of those that an agent uses in its data directory, or
// the file is one of those that are there.
func (s sparedFiles) isOfAgent(found outfile.Found) bool {
	return slices.ContainsFunc(s.dirs, func(dir dataDir) bool {
		if found.Path == "" {
			return slices.ContainsFunc(ownNames(), func(name string) bool {
				return isFile(found, filepath.Join(string(dir), name))
			})
		}
		return dir.uses(found.Path)
	})
}

// ownNames are those that an agent uses at the top of its data directory. Those that it moves
// aside have an ending more.
func ownNames() []string {
	return []string{"gusty.db", "key", "generation", "lock", "agent.json", "admin-password"}
}

// uses reports whether a path is one of an agent's own in its data directory.
func (d dataDir) uses(path string) bool {
	dir, base := filepath.Dir(path), filepath.Base(path)
	below := []string{"tls", "output", "log"}
	if isSameDir(dir, string(d)) {
		return slices.ContainsFunc(append(ownNames(), below...), func(name string) bool {
			return base == name || strings.HasPrefix(base, name+".")
		})
	}
	return slices.ContainsFunc(below, func(name string) bool {
		return isSameDir(dir, filepath.Join(string(d), name))
	})
}

func isSameDir(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// isFile reports whether what was found is the file of that name.
func isFile(found outfile.Found, name string) bool {
	info, err := os.Stat(name)
	return err == nil && found.Info != nil && os.SameFile(info, found.Info)
}
