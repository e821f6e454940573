package tlscert

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Fingerprint returns the SHA-256 fingerprint of the first certificate in certPEM, as `openssl x509
// -fingerprint -sha256` writes it: 32 pairs of upper-case hex digits with colons between them.
func Fingerprint(certPEM []byte) (string, error) {
	certificate, err := parseCertificate(certPEM)
	if err != nil {
		return "", err
	}
	return FingerprintDER(certificate.Raw), nil
}

// FingerprintDER is Fingerprint for a certificate as it comes over the wire.
func FingerprintDER(der []byte) string {
	sum := sha256.Sum256(der)
	var b strings.Builder
	for i := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString(sum[i : i+1])))
	}
	return b.String()
}

// SameFingerprint compares two fingerprints as people write them: in any case, with or without
// colons and blanks.
func SameFingerprint(a, b string) bool {
	plain := strings.NewReplacer(":", "", " ", "")
	a, b = plain.Replace(a), plain.Replace(b)
	return a != "" && strings.EqualFold(a, b)
}

// parseCertificate reads the first certificate in PEM data.
func parseCertificate(data []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("no certificate in PEM form in it")
}

// keyName tells the authorities of different agents apart in a list of trusted ones.
func keyName(key *ecdsa.PrivateKey) string {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return "" // a point that is not on the curve: signing will say so
	}
	sum := sha256.Sum256(point)
	return fmt.Sprintf("%x", sum[:4])
}
