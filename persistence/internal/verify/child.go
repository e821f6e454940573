package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// What a verifying child ends with. Anything else means that the file brought it down, unless the
// end was another's doing (endedByOthers).
const (
	childWhole    = 0
	ChildDamaged  = 10
	childWrongKey = 11
	childForeign  = 12
	childNewer    = 13
	childFailed   = 14 // it could not look
)

// MaxChildText bounds what is kept of a child's standard error.
const MaxChildText = 4096

// SpawnVerifier returns an Options.VerifyChild that runs command with the database's path behind
// it; that program calls VerifyMain. The key goes to the child by its standard input, wherever it
// comes from.
func SpawnVerifier(command ...string) func(path string, kek keyring.Key) error {
	return func(path string, kek keyring.Key) error {
		child := exec.CommandContext(context.Background(), command[0],
			append(command[1:len(command):len(command)], path)...)
		child.Stdin = bytes.NewReader(keyring.KeyText(kek))
		var said strings.Builder
		child.Stderr = &said
		if err := child.Start(); err != nil {
			return VerifyFile(path, kek)
		}
		return ChildVerdict(path, child.Wait(), said.String())
	}
}

// ChildVerdict puts the child's end back into an error.
func ChildVerdict(path string, err error, said string) error {
	if err == nil {
		return nil
	}
	said = strings.TrimSpace(said[:min(len(said), MaxChildText)])
	code := -1
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	switch code {
	case childWrongKey:
		return describe(path, format.ErrWrongKey)
	case childForeign:
		return describe(path, boltfile.ErrForeign)
	case childNewer:
		return describe(path, format.ErrNewerFormat)
	case ChildDamaged:
		return format.Damaged(path, errors.New(said))
	case childFailed:
		return fmt.Errorf("verify the database: %s", said)
	}
	if endedByOthers(err, said) {
		return fmt.Errorf("verify the database: what looks through it was ended: %w", err)
	}
	return format.Damaged(path, fmt.Errorf("looking through it ended with %w", err))
}

// endedByOthers reports whether a child was ended by what has nothing to do with the file: a signal
// that people, a service manager or the kernel (for memory) send, or a lack of the host's, which
// the Go runtime ends with 2. What it says first tells that from a crash over the file.
func endedByOthers(err error, said string) bool {
	for _, signal := range []string{"killed", "terminated", "interrupt", "hangup"} {
		if strings.HasPrefix(err.Error(), "signal: "+signal) {
			return true
		}
	}
	for _, reason := range []string{
		"SIGQUIT: quit", "SIGABRT: abort", "runtime: failed to create new OS thread",
		"fatal error: runtime: out of memory", "fatal error: runtime: cannot allocate memory",
		"fatal error: out of memory", "runtime: out of memory",
	} {
		if strings.HasPrefix(said, reason) {
			return true
		}
	}
	return false
}

// VerifyMain is the body of a verifying child: it reads the key from in, verifies the file at path,
// says in one sentence on out what is wrong, and returns the exit code.
func VerifyMain(path string, in io.Reader, out io.Writer) (code int) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			code = ChildDamaged
			_, _ = fmt.Fprintf(out, "looking through it failed: %v\n", r)
		}
	}()
	text, err := io.ReadAll(io.LimitReader(in, MaxChildText))
	if err != nil {
		return ChildSays(out, fmt.Errorf("the key can't be read: %w", err))
	}
	kek, ok := keyring.ParseKey(text)
	if !ok {
		return ChildSays(out, format.ErrWrongKey)
	}
	f, err := os.Open(path)
	if err != nil {
		return ChildSays(out, err)
	}
	return ChildSays(out, errors.Join(verify(f, kek), f.Close()))
}

func ChildSays(out io.Writer, err error) int {
	if err == nil {
		return childWhole
	}
	_, _ = fmt.Fprintln(out, err)
	var system *os.PathError
	switch {
	case errors.Is(err, format.ErrWrongKey):
		return childWrongKey
	case errors.Is(err, boltfile.ErrForeign):
		return childForeign
	case errors.Is(err, format.ErrNewerFormat):
		return childNewer
	case errors.As(err, &system):
		return childFailed
	}
	return ChildDamaged
}
