package tlscert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"gusty/internal/atomicfile"
	"gusty/internal/private"
)

// The files in the directory.
const (
	caFile          = "ca.pem"
	certificateFile = "server.pem"
	keyFile         = "server-key.pem"
)

// Files says what Ensure left in the directory.
type Files struct {
	// path of the authority's certificate; there need not be one beside a pair of the operator's
	CA          string
	Certificate string // path of the server certificate, with its chain where there is one
	Key         string // path of its key
	Own         bool   // issued here; false: the operator's
	Issued      bool   // issued by this very call
	Fingerprint string // of the server certificate, as Fingerprint gives it
	NotAfter    time.Time
}

// FilesIn names the files in dir and looks at none of them.
func FilesIn(dir string) Files {
	return Files{
		CA:          filepath.Join(dir, caFile),
		Certificate: filepath.Join(dir, certificateFile),
		Key:         filepath.Join(dir, keyFile),
	}
}

// Ensure sees to it that dir holds a server certificate that is good for hosts (names and
// addresses) at now, and its key.
//
// caKeyDER is the key of the authority that an earlier call gave; nil where there is none. Where a
// new one was made it comes back as newCAKeyDER, for the caller to keep; otherwise that is nil.
// Ensure issues a certificate where there is none, and another where one that was issued here has
// less than a third of its life before it, does not cover hosts, or comes from an authority whose
// key is lost. It never re-issues because of a host that is no longer asked for: an address that
// comes and goes would change the fingerprint each time. A pair that was not issued here is left as
// it is, whatever it covers. Half a pair is an error.
func Ensure(dir string, caKeyDER []byte, hosts []string, now time.Time) (files Files,
	newCAKeyDER []byte, err error,
) {
	if err := private.MakeDir(dir); err != nil {
		return Files{}, nil, fmt.Errorf("make the directory for the certificate: %w", err)
	}
	e := ensurer{files: FilesIn(dir), now: now}
	e.names, e.ips = splitHosts(hosts)
	if err := e.load(caKeyDER); err != nil {
		return Files{}, nil, err
	}
	if !e.operators() {
		if newCAKeyDER, err = e.ensureAuthority(); err != nil {
			return Files{}, nil, err
		}
		if err := e.ensureCertificate(); err != nil {
			return Files{}, nil, err
		}
	}
	files, err = e.describe()
	return files, newCAKeyDER, err
}

// readOptional returns a file's content, nil where there is none.
func readOptional(path string) ([]byte, error) {
	data, err := atomicfile.ReadRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// readCertificate returns the first certificate of a file, nil where there is no file.
func readCertificate(path string) (*x509.Certificate, error) {
	data, err := readOptional(path)
	if err != nil || data == nil {
		return nil, err
	}
	certificate, err := parseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put a certificate there, or remove it together with its "+
			"key to have one made", path, err)
	}
	return certificate, nil
}

func writePublic(path string, data []byte) error { return atomicfile.Write(path, data, 0o644) }
func writeSecret(path string, data []byte) error { return atomicfile.Write(path, data, 0o600) }
