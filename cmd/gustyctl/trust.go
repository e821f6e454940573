package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
)

// trust says which server certificate is taken: one that the CAs vouch for, the one with the pinned
// fingerprint, or, where both are given, one that satisfies both. Without either the system's CAs
// decide.
type trust struct {
	roots *x509.CertPool
	pin   *[sha256.Size]byte
}

// pinError says that the server showed another certificate than the pinned one.
type pinError struct{ got [sha256.Size]byte }

func (e *pinError) Error() string {
	return "the server's certificate has the fingerprint " + formatFingerprint(e.got)
}

func loadTrust(caFile, fingerprint string) (trust, error) {
	var t trust
	if fingerprint != "" {
		pin, err := parseFingerprint(fingerprint)
		if err != nil {
			return t, err
		}
		t.pin = &pin
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return t, exit.Usagef("cannot read the CA: %w", err)
	}
	t.roots = x509.NewCertPool()
	if !t.roots.AppendCertsFromPEM(pem) {
		return t, exit.Usagef("%s holds no PEM certificate; the agent's CA is the file "+
			"tls/ca.pem in "+
			"its data directory", caFile)
	}
	return t, nil
}

func (t trust) config() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.roots}
	if t.pin != nil {
		config.VerifyConnection = t.verifyPin
		// The pin identifies the one certificate, key and all, more strictly than a chain and a
		// host name could: where it is all that was given, it takes the place of the chain.
		// VerifyConnection runs on every connection, and a handshake without it fails.
		config.InsecureSkipVerify = t.roots == nil
	}
	return config
}

func (t trust) verifyPin(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	if got := sha256.Sum256(state.PeerCertificates[0].Raw); got != *t.pin {
		return &pinError{got: got}
	}
	return nil
}

// parseFingerprint reads a SHA-256 in hex as openssl, browsers and the agent print it: any case,
// with or without colons or blanks, with or without "sha256:" or "SHA256 Fingerprint=" in front.
func parseFingerprint(text string) (pin [sha256.Size]byte, err error) {
	digits := strings.ToLower(text)
	if i := strings.LastIndex(digits, "="); i >= 0 {
		digits = digits[i+1:]
	}
	digits = strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(digits, "sha256:"))
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(pin) {
		return pin, exit.Usagef("%q is not a SHA-256 fingerprint: it needs 64 hex digits, colons "+
			"allowed", text)
	}
	copy(pin[:], raw)
	return pin, nil
}

// formatFingerprint returns upper-case hex with colons, as openssl prints it.
func formatFingerprint(sum [sha256.Size]byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
