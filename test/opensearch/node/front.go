package node

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Front is nginx with TLS and a password before a plain node.
type Front struct {
	Dir string // has ca.pem
	URL string
}

// StartFront starts nginx on a port of 127.0.0.1, with a certificate of a new authority in dir.
func StartFront(ctx context.Context, port int, n *Node, dir string) (*Front, error) {
	if err := script(ctx, false, "tls.sh", strconv.Itoa(port), n.URL, dir); err != nil {
		return nil, err
	}
	address, err := os.ReadFile(filepath.Join(dir, "url"))
	return &Front{Dir: dir, URL: strings.TrimSpace(string(address))}, err
}

// CAFile is the PEM file of the authority that signed its certificate.
func (f *Front) CAFile() string { return filepath.Join(f.Dir, "ca.pem") }

// Stop ends it.
func (f *Front) Stop(ctx context.Context) error { return script(ctx, false, "stop.sh", f.Dir) }

// NeedNginxT skips a test where nginx is not here, or fails it where InsistVariable is set.
func NeedNginxT(t testing.TB) {
	t.Helper()
	NeedT(t)
	if _, err := exec.LookPath("nginx"); err == nil {
		return
	}
	if os.Getenv(InsistVariable) != "" {
		t.Fatal("nginx is not here; install it")
	}
	t.Skip("nginx is not here")
}
