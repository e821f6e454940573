package tlscert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func openStore(t *testing.T, files Files) *Store {
	t.Helper()
	store, err := OpenStore(files)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestReloadKeepsTheOldPairOnError(t *testing.T) {
	p := newPlace(t)
	files := p.ensure(t, today)
	store := openStore(t, files)
	serial := store.Leaf().SerialNumber
	p.put(t, keyFile, anotherKey(t))
	if err := store.Reload(); err == nil {
		t.Error("a key of another was taken")
	}
	if pair, err := store.Get(nil); err != nil || pair.Leaf.SerialNumber.Cmp(serial) != 0 {
		t.Error("the old pair is not in force")
	}
}

// watch runs a Watcher in a synctest bubble, in which a minute passes at once.
func watch(t *testing.T, w Watcher) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.WatchFiles(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

func TestWatcherReloadsChangedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		now := time.Now()
		store := openStore(t, p.ensure(t, now))
		reported := make(chan error, 8)
		watch(t, Watcher{Store: store, Interval: time.Second, Reloaded: func(err error) {
			reported <- err
		}})
		pass := func() (reports []error) {
			time.Sleep(time.Minute) // of the bubble's clock
			synctest.Wait()
			for len(reported) > 0 {
				reports = append(reports, <-reported)
			}
			return reports
		}

		if reports := pass(); len(reports) != 0 {
			t.Errorf("reloaded without a change: %v", reports)
		}
		p.hosts = append(p.hosts, "web2")
		p.ensure(t, now)
		if reports := pass(); len(reports) != 1 || reports[0] != nil ||
			store.Leaf().VerifyHostname("web2") != nil {
			t.Errorf("reports %v, certificate for %q", reports, store.Leaf().DNSNames)
		}
		serial := store.Leaf().SerialNumber
		good := p.content(t)
		p.put(t, keyFile, anotherKey(t))
		if reports := pass(); len(reports) != 1 || reports[0] == nil ||
			store.Leaf().SerialNumber.Cmp(serial) != 0 {
			t.Errorf("half a pair: reports %v", reports)
		}
		remove(t, p, keyFile)
		remove(t, p, certificateFile)
		if reports := pass(); len(reports) != 1 || !errors.Is(reports[0], os.ErrNotExist) {
			t.Errorf("no files: reports %v", reports)
		}
		p.put(t, keyFile, []byte(good[keyFile]))
		p.put(t, certificateFile, []byte(good[certificateFile]))
		if reports := pass(); len(reports) != 1 || reports[0] != nil {
			t.Errorf("files back: reports %v", reports)
		}
	})
}

func TestWatcherRenewsDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		store := openStore(t, p.ensure(t, time.Now()))
		first := store.Leaf().NotAfter
		watch(t, Watcher{Store: store, Interval: time.Hour, Renew: func(now time.Time) error {
			_, _, err := Ensure(p.dir, p.caKey, p.hosts, now)
			return err
		}})
		time.Sleep(300 * day) // of the bubble's clock
		synctest.Wait()
		if last := store.Leaf().NotAfter; last.Sub(first) < 200*day {
			t.Errorf("the certificate ends %v, at first %v", last, first)
		}
	})
}

// A client that is connected while the pair changes goes on; the next one sees the new pair.
func TestReloadDropsNoConnection(t *testing.T) {
	p := newPlace(t)
	files := p.ensure(t, time.Now())
	store := openStore(t, files)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", ServerConfig(store.Get))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go echo(listener)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(t, files.CA))
	old := dial(t, listener.Addr(), roots)
	ping(t, old)

	p.hosts = append(p.hosts, "web2")
	p.ensure(t, time.Now())
	if err := store.Reload(); err != nil {
		t.Fatal(err)
	}
	ping(t, old)
	fresh := dial(t, listener.Addr(), roots)
	ping(t, fresh)
	if err := fresh.VerifyHostname("web2"); err != nil {
		t.Errorf("a new connection has the old certificate: %v", err)
	}
}

func TestServerRefusesOldTLS(t *testing.T) {
	p := newPlace(t)
	store := openStore(t, p.ensure(t, time.Now()))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", ServerConfig(store.Get))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go echo(listener)
	for version, taken := range map[uint16]bool{
		tls.VersionTLS11: false,
		tls.VersionTLS12: true,
		tls.VersionTLS13: true,
	} {
		//nolint:gosec // the version is what is tested
		config := &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true}
		conn, err := tls.Dial("tcp", listener.Addr().String(), config)
		if (err == nil) != taken {
			t.Errorf("%s: error %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func echo(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
	}
}

func dial(t *testing.T, address net.Addr, roots *x509.CertPool) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", address.String(), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func ping(t *testing.T, conn *tls.Conn) {
	t.Helper()
	buffer := make([]byte, 4)
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, buffer); err != nil || string(buffer) != "ping" {
		t.Fatalf("read %q, %v", buffer, err)
	}
}
