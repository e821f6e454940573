package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

const adminPassword = "correct-horse-battery"

// fakeAgent answers as an agent does, from memory, with a certificate of its own CA.
type fakeAgent struct {
	server      *httptest.Server
	caPEM       []byte
	fingerprint [sha256.Size]byte

	mu       sync.Mutex
	password string
	config   map[string]string
	jobs     map[string]map[string]any
	polls    int // how often the run under way was looked at
	polled   chan struct{}
	rotated  bool
	state    string
	endpoint string
	backups  int // that were asked for
}

func startFakeAgent(t testing.TB) *fakeAgent {
	t.Helper()
	f := &fakeAgent{
		password: adminPassword, config: map[string]string{}, jobs: map[string]map[string]any{},
		state:  "up",
		polled: make(chan struct{}, 1),
	}
	f.server = httptest.NewUnstartedServer(f.routes())
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	f.server.TLS = &tls.Config{
		Certificates: []tls.Certificate{f.certificate(t)},
		MinVersion:   tls.VersionTLS12,
	}
	f.server.StartTLS()
	return f
}

// certificate makes a CA and a server certificate of it for 127.0.0.1.
func (f *fakeAgent) certificate(t testing.TB) tls.Certificate {
	t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fake CA"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	caKey := newKey(t)
	caDER := sign(t, ca, ca, caKey, caKey)
	f.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "fake agent"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafKey := newKey(t)
	leafDER := sign(t, leaf, ca, leafKey, caKey)
	f.fingerprint = sha256.Sum256(leafDER)
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, cert, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// closedPort returns a loopback port that nobody listens on.
func closedPort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
