package tlscert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"time"
)

// ensurer is one call of Ensure: what it found, and what it does about it.
type ensurer struct {
	files Files
	names []string
	ips   []net.IP
	now   time.Time

	authorityKey *ecdsa.PrivateKey // nil: none was passed in
	ca           *x509.Certificate // of ca.pem; nil: there is none
	certificate  *x509.Certificate // of server.pem; nil: there is none
	hasKey       bool

	authority *Authority
}

func (e *ensurer) load(caKeyDER []byte) (err error) {
	if caKeyDER != nil {
		if e.authorityKey, err = parseAuthorityKey(caKeyDER); err != nil {
			return err
		}
	}
	if e.ca, err = readCertificate(e.files.CA); err != nil {
		return err
	}
	if e.certificate, err = readCertificate(e.files.Certificate); err != nil {
		return err
	}
	key, err := readOptional(e.files.Key)
	if err != nil {
		return err
	}
	e.hasKey = key != nil
	if e.certificate != nil && !e.hasKey {
		return fmt.Errorf(
			"%s has no key: put it at %s, or remove the certificate to have both made",
			e.files.Certificate, e.files.Key)
	}
	return nil
}

// operators reports whether the server certificate is the operator's: neither from the authority
// whose key we have, nor from one that this package made and whose key is lost (its certificate
// still lies there).
func (e *ensurer) operators() bool {
	if e.certificate == nil || e.authorityKey != nil &&
		signedBy(e.certificate, e.authorityKey.Public()) {
		return false
	}
	lost := e.ca != nil && slices.Equal(e.ca.Subject.Organization, []string{organization}) &&
		signedBy(e.certificate, e.ca.PublicKey)
	return !lost
}

// ensureAuthority takes the authority whose key was passed in, or makes one, and returns the key of
// one made. An authority whose certificate is missing, or would end before a server certificate
// issued now, gets another certificate for the same key.
func (e *ensurer) ensureAuthority() (newKeyDER []byte, err error) {
	if e.authorityKey != nil && e.ca != nil && e.authorityKey.PublicKey.Equal(e.ca.PublicKey) &&
		e.lasts(e.ca) {
		e.authority = &Authority{key: e.authorityKey, certificate: e.ca}
		return nil, nil
	}
	if e.authorityKey != nil {
		e.authority, err = certify(e.authorityKey, e.now)
	} else if e.authority, err = NewAuthority(e.now); err == nil {
		newKeyDER, err = e.authority.KeyDER()
	}
	if err != nil {
		return nil, err
	}
	return newKeyDER, writePublic(e.files.CA, e.authority.CertificatePEM())
}

// lasts reports whether a certificate of an authority is valid now and still will be when a server
// certificate issued now ends.
func (e *ensurer) lasts(ca *x509.Certificate) bool {
	return !e.now.Before(ca.NotBefore) && e.now.Add(serverLifetime).Before(ca.NotAfter)
}

func (e *ensurer) ensureCertificate() error {
	if e.certificate != nil && e.fresh() {
		return nil
	}
	public, err := e.ensureKey()
	if err != nil {
		return err
	}
	certPEM, err := e.authority.sign(public, e.names, e.ips, e.now)
	if err != nil {
		return err
	}
	e.files.Issued = true
	return writePublic(e.files.Certificate, certPEM)
}

// fresh reports whether the certificate is from the authority in force, valid, good for all hosts,
// and has a third of its life before it.
func (e *ensurer) fresh() bool {
	c := e.certificate
	third := c.NotAfter.Sub(c.NotBefore) / 3
	return e.authority.issued(c) && !e.now.Before(c.NotBefore) &&
		e.now.Before(c.NotAfter.Add(-third)) && covers(c, e.names, e.ips)
}

// ensureKey returns the public half of the server key, which it makes where there is none. One that
// is there is not written to: of a first start that was cut short between key and certificate it is
// ours, and it may be one that the operator wants to be used.
func (e *ensurer) ensureKey() (any, error) {
	if e.hasKey {
		return readPublicKey(e.files.Key)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the server key: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key.Public(), writeSecret(e.files.Key, keyPEM)
}

// describe reads the pair that is now in place, which also proves that it is one.
func (e *ensurer) describe() (Files, error) {
	pair, err := loadPair(e.files.Certificate, e.files.Key)
	if err != nil {
		return Files{}, err
	}
	files := e.files
	files.Own = e.authority != nil
	files.Fingerprint = FingerprintDER(pair.Leaf.Raw)
	files.NotAfter = pair.Leaf.NotAfter
	return files, nil
}
