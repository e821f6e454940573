package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
)

func TestParseFingerprint(t *testing.T) {
	sum := sha256.Sum256([]byte("certificate"))
	plain := hex.EncodeToString(sum[:])
	for _, text := range []string{
		plain, strings.ToUpper(plain), "sha256:" + plain, "SHA256:" + plain, formatFingerprint(sum),
		"sha256 Fingerprint=" + formatFingerprint(sum),
	} {
		if got, err := parseFingerprint(text); err != nil || got != sum {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "00", plain + "00", plain[1:], "x" + plain[1:]} {
		if _, err := parseFingerprint(text); exit.Code(err) != exit.Usage {
			t.Errorf("%q: got %v, want a usage error", text, err)
		}
	}
}

// TestTrust connects with each kind of trust to a server whose certificate is of a CA of its own.
func TestTrust(t *testing.T) {
	agent, other := startFakeAgent(t), startFakeAgent(t)
	t.Cleanup(agent.server.Close)
	t.Cleanup(other.server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca.pem"), string(agent.caPEM), 0o600)
	write(t, filepath.Join(dir, "other.pem"), string(other.caPEM), 0o600)
	pin, otherPin := formatFingerprint(agent.fingerprint), formatFingerprint(other.fingerprint)
	for _, c := range []struct {
		name, ca, pin, want string
	}{
		{"the CA", "ca.pem", "", ""},
		{"the pin", "", pin, ""},
		{"both", "ca.pem", pin, ""},
		{"nothing", "", "", "is not trusted"},
		{"another CA", "other.pem", "", "is not trusted"},
		{"another pin", "", otherPin, "is not the pinned one"},
		{"the CA, another pin", "ca.pem", otherPin, "is not the pinned one"},
		{"another CA, the pin", "other.pem", pin, "is not trusted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := ""
			if c.ca != "" {
				ca = filepath.Join(dir, c.ca)
			}
			err := visit(t, agent.server.URL, ca, c.pin)
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" &&
				(exit.Code(err) != exit.Unreachable || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTrustAnotherName(t *testing.T) {
	agent := startFakeAgent(t)
	t.Cleanup(agent.server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, string(agent.caPEM), 0o600)
	elsewhere := strings.Replace(agent.server.URL, "127.0.0.1", "localhost", 1)
	if err := visit(t, elsewhere, ca, ""); err == nil ||
		!strings.Contains(err.Error(), "is for other names ([127.0.0.1])") {
		t.Errorf("got %v", err)
	}
	if err := visit(t, elsewhere, "", formatFingerprint(agent.fingerprint)); err != nil {
		t.Errorf("the pin needs no name: %v", err)
	}
}

func TestTrustWithoutTLS(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	err := visit(t, strings.Replace(plain.URL, "http:", "https:", 1), "", "")
	if exit.Code(err) != exit.Unreachable ||
		!strings.Contains(err.Error(), "does not speak TLS; check the port") {
		t.Errorf("got %v", err)
	}
}

// visit asks for the status with the given trust.
func visit(t *testing.T, address, ca, pin string) error {
	t.Helper()
	trust, err := loadTrust(ca, pin)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(target{url: u, trust: trust, user: "Admin", password: adminPassword})
	defer c.http.CloseIdleConnections()
	_, err = c.call(t.Context(), request{method: http.MethodGet, path: statusPath})
	return err
}
