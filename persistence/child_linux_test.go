package persistence

import (
	"errors"
	"testing"

	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// TestChildEndedByOthers: an end of the verifying process that is not the file's doing must not be
// told as damage, after which an agent stays down.
func TestChildEndedByOthers(t *testing.T) {
	for script, damage := range map[string]bool{
		"kill -KILL $$": false, "kill -TERM $$": false, "kill -INT $$": false, "kill -HUP $$": false,
		"echo 'SIGABRT: abort' >&2; exit 2":                              false,
		"echo 'fatal error: runtime: out of memory' >&2; exit 2":         false,
		"echo 'runtime: failed to create new OS thread (x)' >&2; exit 2": false,
		"echo 'fatal error: stack overflow' >&2; exit 2":                 true,
		"kill -BUS $$": true, "exit 10": true,
	} {
		err := verify.SpawnVerifier("sh", "-c", script)("gusty.db", keyring.Key{})
		if err == nil || errors.Is(err, format.ErrDamaged) != damage {
			t.Errorf("%s: got %v, want damage %t", script, err, damage)
		}
	}
}
