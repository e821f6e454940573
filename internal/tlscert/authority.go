package tlscert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// The lifetimes. Clients on Apple's systems accept at most 398 days of a server certificate
// (support.apple.com/102028), so 397 days are the most that every client takes.
const (
	authorityYears = 10
	serverLifetime = 397 * 24 * time.Hour
	clockSkew      = time.Hour // by which a client's clock may be behind
)

// organization marks an authority that this package made.
const organization = "Gusty agent"

// Authority issues server certificates: an ECDSA P-256 key and its own certificate.
type Authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// NewAuthority makes an authority with a new key, valid for ten years from now.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the certificate authority: %w", err)
	}
	return certify(key, now)
}

// ParseAuthority restores an authority from its key (PKCS #8, DER) and its certificate. The error
// says where the two are not a pair.
func ParseAuthority(keyDER, caPEM []byte) (*Authority, error) {
	key, err := parseAuthorityKey(keyDER)
	if err != nil {
		return nil, err
	}
	certificate, err := parseCertificate(caPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate of the authority: %w", err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, errors.New("the certificate of the authority belongs to another key")
	}
	return &Authority{key: key, certificate: certificate}, nil
}

func parseAuthorityKey(keyDER []byte) (*ecdsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, fmt.Errorf("key of the certificate authority: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil,
			fmt.Errorf("key of the certificate authority: is a %T, an ECDSA key is needed", parsed)
	}
	return key, nil
}

// certify makes the certificate of an authority that has a key already. The subject and the key
// identifier are those of an earlier certificate of the same key, so that what was issued under
// that one is also valid under this one.
func certify(key *ecdsa.PrivateKey, now time.Time) (*Authority, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   "Gusty agent CA " + keyName(key),
		},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the authority: %w", err)
	}
	return &Authority{key: key, certificate: certificate}, nil
}

// KeyDER returns the private key as PKCS #8. It is a secret.
func (a *Authority) KeyDER() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("encode the key of the certificate authority: %w", err)
	}
	return der, nil
}

// CertificatePEM returns the certificate that clients trust.
func (a *Authority) CertificatePEM() []byte { return encodeCertificate(a.certificate.Raw) }

// Issue makes a key and a server certificate for names and addresses, valid for 397 days from now,
// or as long as the authority.
func (a *Authority) Issue(names []string, ips []net.IP, now time.Time) (certPEM, keyPEM []byte,
	err error,
) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the server key: %w", err)
	}
	if keyPEM, err = encodeKey(key); err != nil {
		return nil, nil, err
	}
	certPEM, err = a.sign(key.Public(), names, ips, now)
	return certPEM, keyPEM, err
}

// sign makes the server certificate of a public key.
func (a *Authority) sign(public any, names []string, ips []net.IP, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   "gustyd",
		},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(serverLifetime - clockSkew),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           ips,
	}
	if end := a.certificate.NotAfter; template.NotAfter.After(end) {
		template.NotAfter = end
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("issue the server certificate: %w", err)
	}
	return encodeCertificate(der), nil
}

// issued reports whether a client that trusts this authority's certificate trusts the given one.
func (a *Authority) issued(certificate *x509.Certificate) bool {
	return bytes.Equal(certificate.RawIssuer, a.certificate.RawSubject) &&
		signedBy(certificate, a.key.Public())
}

// signedBy reports whether the signature of certificate was made with the key whose public half is
// given.
func signedBy(certificate *x509.Certificate, public any) bool {
	signer := x509.Certificate{PublicKey: public}
	return signer.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate,
		certificate.Signature) == nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the server key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
