package tlscert

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"gusty/internal/atomicfile"
)

// loadPair reads a certificate (with its chain, the server's first) and its key.
func loadPair(certificatePath, keyPath string) (*tls.Certificate, error) {
	pair, err := readPair(certificatePath, keyPath)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w; put a matching pair there in PEM form, or remove "+
			"both to have them made",
			certificatePath, keyPath, err)
	}
	if pair.Leaf == nil { // with GODEBUG=x509keypairleaf=0
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", certificatePath, err)
		}
	}
	return &pair, nil
}

// readPair is tls.LoadX509KeyPair for regular files alone.
func readPair(certificatePath, keyPath string) (pair tls.Certificate, err error) {
	certificate, err := atomicfile.ReadRegular(certificatePath)
	if err != nil {
		return pair, err
	}
	key, err := atomicfile.ReadRegular(keyPath)
	if err != nil {
		return pair, err
	}
	return tls.X509KeyPair(certificate, key)
}

// readPublicKey returns the public half of a private key in PEM form.
func readPublicKey(path string) (crypto.PublicKey, error) {
	data, err := atomicfile.ReadRegular(path)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put the key of your certificate there, or remove it to "+
			"have one made", path, err)
	}
	return key.Public(), nil
}

func parsePrivateKey(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no key in PEM form in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", parsed)
	}
	return key, nil
}
