//go:build linux

package contract

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"gusty/test/agent"
)

// TestCertificateReload changes the agent's certificate while it serves: after SIGHUP new
// connections get it, and one that was there before stays.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	process := agent.StartT(t, t.TempDir())
	client := process.ClientT(t)
	if _, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/status",
		""); err != nil {
		t.Fatal(err)
	}
	certificate, key := selfSigned(t, "operators-own.example")
	write(t, process.Dir, "tls/server-key.pem", key)
	write(t, process.Dir, "tls/server.pem", certificate)
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "new connections get the operator's certificate", func() bool {
		return shownName(t, process) == "operators-own.example"
	})
	if _, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/status",
		""); err != nil {
		t.Errorf("the connection of before is lost: %v", err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	again := agent.StartT(t, process.Dir)
	if name := shownName(t, again); name != "operators-own.example" {
		t.Errorf("the next start made another certificate, for %s", name)
	}
}

// shownName returns the name in the certificate that a new connection is shown.
func shownName(t *testing.T, process *agent.Process) string {
	t.Helper()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(process.Port))
	// which certificate it is is what we ask
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	names := connection.ConnectionState().PeerCertificates[0].DNSNames
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// selfSigned makes a certificate and its key, both as PEM.
func selfSigned(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{
		Type:  "CERTIFICATE",
		Bytes: der,
	}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}
