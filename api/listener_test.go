package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// silent opens TCP connections and says nothing.
func (h *harness) silent(n int) []net.Conn {
	h.t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", h.addr)
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(func() { _ = c.Close() })
		conns[i] = c
	}
	return conns
}

// closedByServer waits until the other side has closed the connection.
func closedByServer(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, error %v", n, err)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open")
	}
}

func TestSilentClientsBlockNobody(t *testing.T) {
	h := start(t, nil)
	h.silent(50)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
}

func TestHandshakeHasADeadline(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.HandshakeTimeout = 50 * time.Millisecond })
	closedByServer(t, h.silent(1)[0])
}

func TestSilentClientsDoNotDelayShutdown(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`) // the server is at work, and one connection is idle
	silent := h.silent(5)
	// the server under test is this process
	greeted, err := tls.Dial("tcp", h.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = greeted.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	closedByServer(t, silent[0])
}

func TestConnectionCap(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.Connections, o.Limits.PerAddress = 3, 3 })
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`) // keeps its connection
	held := h.silent(2)
	over := h.silent(1)[0]
	closedByServer(t, over)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	if _, refused := h.server.connections(); refused != 1 {
		t.Errorf("%d were refused", refused)
	}
	if err := held[0].Close(); err != nil {
		t.Fatal(err)
	}
	for { // the place is free once the server has noticed
		// the server under test is this process
		c, err := tls.Dial("tcp", h.addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			_ = c.Close()
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestAddressCap(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.Connections, o.Limits.PerAddress = 10, 2 })
	h.silent(2)
	closedByServer(t, h.silent(1)[0])
}

func TestOldTLSIsRefused(t *testing.T) {
	h := start(t, nil)
	// the point of the test
	config := &tls.Config{
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
		MaxVersion:         tls.VersionTLS11,
	}
	if c, err := tls.Dial("tcp", h.addr, config); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	plain := h.silent(1)[0]
	if _, err := io.WriteString(plain,
		"GET /agent/status HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(plain) // a TLS alert or nothing, and then the end
	if len(answer) > 16 {
		t.Errorf("plain HTTP was answered: %q", answer)
	}
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := network(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("network(%s) is %s, want %s", in, got, want)
		}
	}
}
