package tlscert

import (
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

// place is a directory of certificates, and the key of its authority as the agent keeps it.
type place struct {
	dir   string
	caKey []byte
	hosts []string
}

func newPlace(t *testing.T) *place {
	return &place{
		dir:   filepath.Join(t.TempDir(), "tls"),
		hosts: []string{"localhost", "127.0.0.1", "Web1.Example.com."},
	}
}

func (p *place) ensure(t *testing.T, now time.Time) Files {
	t.Helper()
	files, caKey, err := Ensure(p.dir, p.caKey, p.hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	if caKey != nil {
		p.caKey = caKey
	}
	return files
}

// content returns the files in the directory with what they hold.
func (p *place) content(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all[e.Name()] = string(read(t, filepath.Join(p.dir, e.Name())))
	}
	return all
}

func (p *place) put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFirstStartMakesAll(t *testing.T) {
	p := newPlace(t)
	files := p.ensure(t, today)
	if !files.Own || !files.Issued || p.caKey == nil {
		t.Errorf("files %+v, key of the authority: %d bytes", files, len(p.caKey))
	}
	for _, host := range []string{"localhost", "127.0.0.1", "web1.example.com"} {
		expectTrusted(t, read(t, files.Certificate), read(t, files.CA), host, today)
	}
	for path, mode := range map[string]os.FileMode{
		files.Key:         0o600,
		files.Certificate: 0o644,
		files.CA:          0o644,
		p.dir:             0o700,
	} {
		if info, err := os.Stat(path); err != nil || filepath.Separator == '/' &&
			info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, error %v, want %o", path, info.Mode(), err, mode)
		}
	}
	if _, err := tls.LoadX509KeyPair(files.Certificate, files.Key); err != nil {
		t.Error(err)
	}
	if want, err := Fingerprint(read(t, files.Certificate)); err != nil ||
		files.Fingerprint != want {
		t.Errorf("fingerprint %s, want %s", files.Fingerprint, want)
	}
	for name, content := range p.content(t) {
		if strings.Contains(content, string(p.caKey)) || name != keyFile &&
			strings.Contains(content, "PRIVATE") {
			t.Errorf("%s holds a private key", name)
		}
	}
}

func TestNextStartChangesNothing(t *testing.T) {
	p := newPlace(t)
	p.ensure(t, today)
	before, key := p.content(t), p.caKey
	p.hosts = []string{"127.0.0.1", "LOCALHOST"} // fewer than before
	files := p.ensure(t, today.Add(200*day))
	if files.Issued || !files.Own || !maps.Equal(before, p.content(t)) ||
		!slices.Equal(key, p.caKey) {
		t.Errorf("something was written: %+v", files)
	}
}

func TestCertificateIsIssuedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		later time.Duration
		hosts []string
	}{
		"in the last third of its life": {270 * day, nil},
		"expired":                       {500 * day, nil},
		"of a clock that ran ahead":     {-30 * day, nil},
		"with a new name":               {day, []string{"localhost", "web2"}},
		"with a new address":            {day, []string{"localhost", "192.0.2.7"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			old := p.ensure(t, today)
			key := read(t, old.Key)
			if c.hosts != nil {
				p.hosts = c.hosts
			}
			now := today.Add(c.later)
			files := p.ensure(t, now)
			if !files.Issued || files.Fingerprint == old.Fingerprint {
				t.Fatalf("not issued: %+v", files)
			}
			for _, host := range p.hosts {
				expectTrusted(t, read(t, files.Certificate), read(t, files.CA), host, now)
			}
			if !slices.Equal(key, read(t, files.Key)) {
				t.Error("the server key changed")
			}
			if p.ensure(t, now).Issued {
				t.Error("issued twice")
			}
		})
	}
}

func TestAuthorityIsCertifiedAgainBeforeItEnds(t *testing.T) {
	p := newPlace(t)
	first := p.ensure(t, today)
	old, key := read(t, first.CA), p.caKey
	now := today.AddDate(9, 6, 0)
	files := p.ensure(t, now)
	// by clients that have the first one
	expectTrusted(t, read(t, files.Certificate), old, "localhost", now)
	expectTrusted(t, read(t, files.Certificate), read(t, files.CA), "localhost",
		now.AddDate(1, 0, 0))
	if !slices.Equal(key, p.caKey) {
		t.Error("the key of the authority changed")
	}
}

func TestAuthorityFileThatIsGoneIsMadeAgain(t *testing.T) {
	p := newPlace(t)
	files := p.ensure(t, today)
	if err := os.Remove(files.CA); err != nil {
		t.Fatal(err)
	}
	again := p.ensure(t, today.Add(day))
	if again.Issued {
		t.Error("the server certificate was issued again, though it is still good")
	}
	expectTrusted(t, read(t, files.Certificate), read(t, files.CA), "localhost", today.Add(day))
}

// The store that held the key of the authority was emptied: what that authority issued is ours all
// the same, and is replaced.
func TestLostAuthorityKeyIsReplaced(t *testing.T) {
	for name, key := range map[string]func(*testing.T) []byte{
		"no key": func(*testing.T) []byte { return nil },
		"another key": func(t *testing.T) []byte {
			key, err := newAuthority(t, today).KeyDER()
			if err != nil {
				t.Fatal(err)
			}
			return key
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.ensure(t, today)
			p.caKey = key(t)
			files := p.ensure(t, today.Add(day))
			if !files.Issued || !files.Own {
				t.Errorf("files %+v", files)
			}
			expectTrusted(t, read(t, files.Certificate), read(t, files.CA), "localhost",
				today.Add(day))
		})
	}
}

// A first start that was cut short at any point is finished by the next.
func TestFirstStartCutShort(t *testing.T) {
	for name, missing := range map[string][]string{
		"before the key":         {keyFile, certificateFile},
		"before the certificate": {certificateFile},
		"before anything":        {caFile, keyFile, certificateFile},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.ensure(t, today)
			p.caKey = nil // never became durable
			for _, file := range missing {
				if err := os.Remove(filepath.Join(p.dir, file)); err != nil {
					t.Fatal(err)
				}
			}
			files := p.ensure(t, today)
			expectTrusted(t, read(t, files.Certificate), read(t, files.CA), "localhost", today)
		})
	}
}

func TestOperatorsPairIsNeverWrittenTo(t *testing.T) {
	foreign := newAuthority(t, today)
	foreign.certificate.Subject.Organization = []string{"Example Inc."}
	certPEM, keyPEM, err := foreign.Issue([]string{"web1.example.com"}, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	expired := today.AddDate(2, 0, 0)
	for name, prepare := range map[string]func(p *place){
		"from the start":     func(*place) {},
		"after one of ours":  func(p *place) { p.ensure(t, today) },
		"with its authority": func(p *place) { p.put(t, caFile, []byte(selfSigned)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			prepare(p)
			p.put(t, certificateFile, certPEM)
			p.put(t, keyFile, keyPEM)
			before, key := p.content(t), p.caKey
			files := p.ensure(t, expired)
			if files.Own || files.Issued || !maps.Equal(before, p.content(t)) ||
				!slices.Equal(key, p.caKey) {
				t.Errorf("the pair was touched: %+v", files)
			}
		})
	}
}

func TestHalfAPairIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *place)
		says  string
	}{
		"certificate without a key":  {func(p *place) { remove(t, p, keyFile) }, "put it at"},
		"key of another":             {func(p *place) { p.put(t, keyFile, anotherKey(t)) }, "matching pair"},
		"a certificate that is none": {func(p *place) { p.put(t, certificateFile, []byte("x")) }, "put a certificate there"},
		"a key that is none":         {func(p *place) { remove(t, p, certificateFile); p.put(t, keyFile, []byte("x")) }, "put the key"},
		"an authority that is none":  {func(p *place) { p.put(t, caFile, []byte("x")) }, caFile},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.ensure(t, today)
			c.spoil(p)
			before := p.content(t)
			_, _, err := Ensure(p.dir, p.caKey, p.hosts, today)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not say %q", err, c.says)
			}
			if !maps.Equal(before, p.content(t)) {
				t.Error("something was overwritten")
			}
		})
	}
}

func remove(t *testing.T, p *place, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func anotherKey(t *testing.T) []byte {
	t.Helper()
	_, keyPEM, err := newAuthority(t, today).Issue([]string{"x"}, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	return keyPEM
}

func TestHostsThatNoCertificateCanHold(t *testing.T) {
	names, ips := splitHosts([]string{
		"", "ok", "OK.", "höst", "two words",
		strings.Repeat("x", 254), "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0",
	})
	if !slices.Equal(names, []string{"ok"}) || len(ips) != 1 {
		t.Errorf("names %q, addresses %v", names, ips)
	}
}

// What can't be asked for keeps nothing else out of the certificate.
func TestLocalHostsWithoutAnAnswer(t *testing.T) {
	failed := errors.New("not here")
	hosts, err := localHosts(
		func() (string, error) { return "", failed },
		func() ([]net.Addr, error) { return nil, failed },
	)
	if !errors.Is(err, failed) || !slices.Equal(hosts, []string{"localhost", "127.0.0.1", "::1"}) {
		t.Errorf("hosts %q, error %v", hosts, err)
	}
	hosts, err = localHosts(
		func() (string, error) { return "host", nil },
		func() ([]net.Addr, error) { return nil, failed },
	)
	if !errors.Is(err, failed) || !slices.Contains(hosts, "host") {
		t.Errorf("hosts %q, error %v", hosts, err)
	}
}

func TestLocalHosts(t *testing.T) {
	hosts, err := LocalHosts()
	if err != nil {
		t.Fatal(err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"localhost", "127.0.0.1", "::1", hostname} {
		if !slices.Contains(hosts, want) {
			t.Errorf("%s is not among %q", want, hosts)
		}
	}
}
