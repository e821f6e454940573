package contract

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gusty/test/agent"
)

// TestFilesThatTellOfTheAgentAreWrittenAgain removes what clients on the host look for.
func TestFilesThatTellOfTheAgentAreWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	p := agent.StartT(t, dir)
	certificate := filepath.Join(dir, "tls", "server.pem")
	before, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "agent.json"), filepath.Join(dir, "tls")} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(time.Minute) // the agent looks every ten seconds
	for {
		after, _ := os.ReadFile(certificate)
		_, noCA := os.Stat(filepath.Join(dir, "tls", "ca.pem"))
		_, noKey := os.Stat(filepath.Join(dir, "tls", "server-key.pem"))
		pid, _, announced := p.Announced()
		if bytes.Equal(before, after) && noCA == nil && noKey == nil && announced == nil &&
			pid == p.PID {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is the same: %t; %v, %v, %v", bytes.Equal(before, after),
				noCA, noKey, announced)
		}
		time.Sleep(100 * time.Millisecond)
	}
	client := p.ClientT(t) // it trusts the authority's certificate as it is now
	if _, err := client.Want(t.Context(), 200, "GET", "/agent/status", ""); err != nil {
		t.Error(err)
	}
}
