package tlscert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Store holds the pair that a listener serves. Connections that are open keep the certificate that
// they began with.
type Store struct {
	certificatePath, keyPath string
	current                  atomic.Pointer[tls.Certificate]

	mutex  sync.Mutex // held while loading
	loaded stamp      // of the files that current was read from
}

// OpenStore loads the pair that files names.
func OpenStore(files Files) (*Store, error) {
	s := &Store{certificatePath: files.Certificate, keyPath: files.Key}
	return s, s.Reload()
}

// Get returns the certificate in force; it is a tls.Config.GetCertificate.
func (s *Store) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current.Load(), nil }

// Leaf returns the server certificate in force.
func (s *Store) Leaf() *x509.Certificate { return s.current.Load().Leaf }

// Reload reads the pair again. Where that fails the one in force stays, and the error says what is
// wrong with the files.
func (s *Store) Reload() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	// Before reading: what changes while the files are read is noticed afterwards.
	seen := s.stamp()
	pair, err := loadPair(s.certificatePath, s.keyPath)
	if err != nil {
		return err
	}
	s.current.Store(pair)
	s.loaded = seen
	return nil
}

// PutBack writes the pair in force to its files again where both were removed, and reports whether
// it did. One file that is left is somebody's work under way.
func (s *Store) PutBack() (done bool, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if now := s.stamp(); now[0] != nil || now[1] != nil {
		return false, nil
	}
	pair := s.current.Load()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return false, err
	}
	var chain []byte
	for _, der := range pair.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := os.MkdirAll(filepath.Dir(s.keyPath), 0o700); err != nil {
		return false, err
	}
	err = writeSecret(s.keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	if err == nil {
		err = writePublic(s.certificatePath, chain)
	}
	return err == nil, err
}

// changed reports whether the files are others than those that the pair in force was read from, and
// returns their stamp.
func (s *Store) changed() (stamp, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.stamp()
	return now, !now.same(s.loaded)
}

func (s *Store) stamp() stamp { return stampOf(s.certificatePath, s.keyPath) }

// ServerConfig returns the TLS settings of a server: TLS 1.2 at least, with the suites of
// crypto/tls, which all have forward secrecy. The first curve keeps recorded traffic (passwords,
// with HTTP Basic) from being read once there are quantum computers; the others are for clients
// that lack it. Session tickets are on: they spare a returning client the signature, and their keys
// change daily.
func ServerConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		GetCertificate:   get,
		MinVersion:       tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},
		NextProtos:       []string{"http/1.1"},
	}
}
