package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// conn is a counted TCP connection; its place is free again when it is closed.
type conn struct {
	net.Conn
	owner   *listener
	address netip.Addr
	closed  atomic.Bool
	used    atomic.Bool // a request has begun to come
	linger  atomic.Bool // its last request was not read to the end

	handshaken bool // used by the connection's goroutine alone, as the next one is
	greeting   int  // bytes that were read before the handshake was over
}

// maxGreeting is what a client may send before it has shown that it can finish a handshake;
// browsers and other clients need 2 KiB. TLS itself would gather 64 KiB.
const maxGreeting = 8 << 10

// Read reads from the client, and breaks off a handshake that is too long.
func (c *conn) Read(p []byte) (int, error) {
	if c.handshaken {
		return c.Conn.Read(p)
	}
	if c.greeting >= maxGreeting {
		return 0, errLongHandshake
	}
	n, err := c.Conn.Read(p[:min(len(p), maxGreeting-c.greeting)])
	c.greeting += n
	return n, err
}

var errLongHandshake = errors.New("the client's part of the TLS handshake is too long")

// Close closes once. A connection whose request was answered before it was read is read to its end
// for a moment: closing it with unread bytes would reset it, and the client would lose the answer
// that says why.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	defer c.owner.release(c)
	if c.linger.Load() {
		c.readRest()
	}
	return c.Conn.Close()
}

// What is read of a request that was refused unread: twice the largest body that any route takes,
// as a client sends it that is a little over. It is thrown away as it came, undeciphered.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 32 << 20
)

func (c *conn) readRest() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes) // only to be polite
}

// secureConn is a TLS connection whose handshake has a deadline of its own.
type secureConn struct {
	*tls.Conn
	below   *conn
	timeout time.Duration

	admitted *request // judged, and its body is being read
	mute     bool     // the interim answer is kept back

	body, answer atomic.Pointer[reservation] // what the request under way holds
}

// hold notes a reservation, which ends with the connection at the latest.
func (c *secureConn) hold(place *atomic.Pointer[reservation], held *reservation) {
	place.Swap(held).release()
	if c.below.closed.Load() { // meanwhile, by another goroutine
		c.drop(place)
	}
}

func (c *secureConn) drop(place *atomic.Pointer[reservation]) { place.Swap(nil).release() }

// Write keeps the interim answer back from a client that did not ask for one.
func (c *secureConn) Write(p []byte) (int, error) {
	if c.mute {
		c.mute = false
		if string(p) == interimAnswer {
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

// interimAnswer is what fasthttp sends before it reads a body that was announced with Expect:
// 100-continue.
const interimAnswer = "HTTP/1.1 100 Continue\r\n\r\n"

// Close ends what the request under way holds, too.
func (c *secureConn) Close() error {
	err := c.Conn.Close()
	c.drop(&c.body)
	c.drop(&c.answer)
	return err
}

// Handshake runs on the connection's own goroutine, never in the accept loop. A handshake that
// failed closes the connection.
func (c *secureConn) Handshake() error {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	if err := c.Conn.HandshakeContext(context.Background()); err != nil { // the deadline bounds it
		_ = c.Close()
		return err
	}
	c.below.handshaken = true
	return c.SetDeadline(time.Time{})
}

// noteState is fasthttp's hook for the states of connections. One that comes or goes is work after
// which memory can be given back.
func (s *Server) noteState(c net.Conn, state fasthttp.ConnState) {
	secure, ok := c.(*secureConn)
	switch {
	case !ok:
	case state == fasthttp.StateNew, state == fasthttp.StateClosed:
		s.noteWork(1)
	case state == fasthttp.StateIdle:
		secure.drop(&secure.answer)
	case state == fasthttp.StateActive && !secure.below.used.Load():
		secure.below.used.Store(true)
	}
}
