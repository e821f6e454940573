package tlscert

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newAuthority(t *testing.T, now time.Time) *Authority {
	t.Helper()
	authority, err := NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func parse(t *testing.T, certPEM []byte) *x509.Certificate {
	t.Helper()
	certificate, err := parseCertificate(certPEM)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// expectTrusted verifies as a client does that trusts caPEM alone.
func expectTrusted(t *testing.T, certPEM, caPEM []byte, host string, now time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caPEM)
	if _, err := parse(t, certPEM).Verify(x509.VerifyOptions{
		DNSName:     host,
		Roots:       roots,
		CurrentTime: now,
	}); err != nil {
		t.Errorf("%s: %v", host, err)
	}
}

func TestIssuedCertificateIsTrusted(t *testing.T) {
	authority := newAuthority(t, today)
	certPEM, keyPEM, err := authority.Issue([]string{"localhost", "web1.example.com"},
		[]net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP("fd00::2")}, today)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "web1.example.com", "127.0.0.1", "[fd00::2]"} {
		expectTrusted(t, certPEM, authority.CertificatePEM(), host, today)
		expectTrusted(t, certPEM, authority.CertificatePEM(), host, today.Add(396*24*time.Hour))
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Error(err)
	}
	server, ca := parse(t, certPEM), parse(t, authority.CertificatePEM())
	if life := server.NotAfter.Sub(server.NotBefore); life > 397*24*time.Hour {
		t.Errorf("the server certificate lives %v", life)
	}
	if !ca.IsCA || ca.MaxPathLen != 0 || !ca.MaxPathLenZero || ca.NotAfter.Year() != 2036 ||
		server.IsCA {
		t.Errorf("authority: CA %v, path %d, until %v; server: CA %v", ca.IsCA, ca.MaxPathLen,
			ca.NotAfter, server.IsCA)
	}
}

func TestServerCertificateEndsWithItsAuthority(t *testing.T) {
	authority := newAuthority(t, today)
	certPEM, _, err := authority.Issue([]string{"localhost"}, nil, today.AddDate(10, 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	if server := parse(t, certPEM); !server.NotAfter.Equal(authority.certificate.NotAfter) {
		t.Errorf("the server certificate ends %v, its authority %v", server.NotAfter,
			authority.certificate.NotAfter)
	}
}

func TestAuthoritySurvivesStorage(t *testing.T) {
	authority := newAuthority(t, today)
	keyDER, err := authority.KeyDER()
	if err != nil {
		t.Fatal(err)
	}
	restored, err := ParseAuthority(keyDER, authority.CertificatePEM())
	if err != nil {
		t.Fatal(err)
	}
	certPEM, _, err := restored.Issue([]string{"localhost"}, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	expectTrusted(t, certPEM, authority.CertificatePEM(), "localhost", today)
}

func TestParseAuthorityRefusesWhatIsNoPair(t *testing.T) {
	one, other := newAuthority(t, today), newAuthority(t, today)
	keyDER, err := one.KeyDER()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, certificate []byte }{
		"another's certificate": {keyDER, other.CertificatePEM()},
		"no key":                {nil, one.CertificatePEM()},
		"a key cut short":       {keyDER[:20], one.CertificatePEM()},
		"no certificate":        {keyDER, []byte("-----BEGIN NONSENSE-----\n")},
	} {
		if _, err := ParseAuthority(c.key, c.certificate); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A certificate made again for the same key, as after ten years, vouches for what was issued
// before, and the other way round.
func TestAuthorityOfTheSameKeyIsTheSame(t *testing.T) {
	old := newAuthority(t, today)
	renewed, err := certify(old.key, today.AddDate(9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []*Authority{old, renewed} {
		certPEM, _, err := issuer.Issue([]string{"localhost"}, nil, today.AddDate(9, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		expectTrusted(t, certPEM, old.CertificatePEM(), "localhost", today.AddDate(9, 0, 1))
		expectTrusted(t, certPEM, renewed.CertificatePEM(), "localhost", today.AddDate(9, 0, 1))
	}
}

// selfSigned is a certificate that this package did not make.
const selfSigned = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUKmt7L3MBsGZzXlTeTwvtMiTplbQwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZmluZ2VycHJpbnQwHhcNMjYxMTIzMDg1NTU3WhcNMzYxMTIw
MDg1NTU3WjAWMRQwEgYDVQQDDAtmaW5nZXJwcmludDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABNm+aTUSJFGAlW7DWiqCDO28scDeoyq9AC2vEskeIG3H5pIwDmLf
X3dsQVnmFqNpvT5YVlFEW6NBnZ/fF+gSJR6jUzBRMB0GA1UdDgQWBBT4QzNJvFIE
R+KVMyNquJnHM+URyzAfBgNVHSMEGDAWgBT4QzNJvFIER+KVMyNquJnHM+URyzAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIDc4Y9bAMR1zcXW0Dsht
ihUPBcGSwSmS8ipv6bqNg4WZAiEA+d86Z9MJbVZvFvO9CeVIyYYiSiW5VE9n8ZLo
nIyDCl8=
-----END CERTIFICATE-----`

// The expected text is what `openssl x509 -fingerprint -sha256` prints of the same certificate.
func TestFingerprint(t *testing.T) {
	const want = "01:11:F2:0F:F2:56:3C:A8:C9:EF:F8:31:CD:56:B4:4B:" +
		"26:05:25:5B:16:4E:FC:5A:CF:54:D9:CC:95:C0:1D:4E"
	got, err := Fingerprint([]byte(selfSigned))
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for a, same := range map[string]bool{
		want: true,
		strings.ToLower(strings.ReplaceAll(want, ":", "")): true,
		want[:92]: false,
		"":        false,
	} {
		if SameFingerprint(a, want) != same {
			t.Errorf("SameFingerprint(%q) is %v", a, !same)
		}
	}
	if SameFingerprint("", "") {
		t.Error("no fingerprint equals no fingerprint")
	}
	if _, err := Fingerprint([]byte("nothing")); err == nil {
		t.Error("no error where there is no certificate")
	}
}
