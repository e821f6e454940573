package opensearch

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// PinError says that the server showed another certificate than the pinned one.
type PinError struct{ Got [sha256.Size]byte }

// Error returns the fingerprint that was seen.
func (e *PinError) Error() string {
	return fmt.Sprintf("the server's certificate has another fingerprint than the pinned one: %X",
		e.Got)
}

// CAFileError says that the file with the authorities is of no use.
type CAFileError struct {
	text string
	err  error
}

// Error says why.
func (e *CAFileError) Error() string { return e.text }

// Unwrap returns what kept it from being read, if anything.
func (e *CAFileError) Unwrap() error { return e.err }

// trust says which server certificate is taken.
type trust struct {
	caFile string
	pin    *[sha256.Size]byte
}

func newTrust(caFile, fingerprint string) (t trust, err error) {
	t.caFile = caFile
	if fingerprint == "" {
		return t, nil
	}
	pin, err := ParseFingerprint(fingerprint)
	t.pin = &pin
	return t, err
}

// ParseFingerprint reads a SHA-256 in hex, in any case, with or without colons.
func ParseFingerprint(text string) (pin [sha256.Size]byte, err error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(raw) != len(pin) {
		return pin, fmt.Errorf("%q is no SHA-256 fingerprint: it needs 64 hex digits, colons "+
			"allowed", text)
	}
	copy(pin[:], raw)
	return pin, nil
}

// config is made for each connection, so that a CA file that is replaced counts from the next
// connection on.
func (t trust) config(server string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: server}
	if t.caFile != "" {
		pem, err := os.ReadFile(t.caFile)
		if err != nil {
			return nil, &CAFileError{text: "the CA file cannot be read: " + err.Error(), err: err}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &CAFileError{text: fmt.Sprintf("the CA file %s holds no certificate in "+
				"PEM form", t.caFile)}
		}
	}
	if t.pin != nil {
		c.VerifyConnection = t.verifyPin
		// The pin identifies the one certificate, key and all, more strictly than a chain and a
		// name could: where it is all that was given, it takes their place. VerifyConnection runs
		// on every connection, and a handshake without it fails.
		c.InsecureSkipVerify = t.caFile == ""
	}
	return c, nil
}

func (t trust) verifyPin(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	if got := sha256.Sum256(state.PeerCertificates[0].Raw); got != *t.pin {
		return &PinError{Got: got}
	}
	return nil
}
