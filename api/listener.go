package api

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxConnections is the largest value that the parameter max_connections can have.
const maxConnections = 65535

// listener caps connections below TLS. One over a cap is closed at once, without a byte: an answer
// would need a handshake, and that time is what a flood wants. Accept itself never reads or writes,
// so that a silent client holds a place and no more.
type listener struct {
	net.Listener
	tls    *tls.Config
	limits Limits
	most   func() int
	log    *slog.Logger
	closed chan struct{}
	close  func() error // once

	mu        sync.Mutex
	open      map[*conn]struct{}
	byAddress map[netip.Addr]int
	refused   uint64
	logged    time.Time // when a refusal was last logged
}

func newListener(ln net.Listener, config *tls.Config, limits Limits, most func() int,
	log *slog.Logger,
) *listener {
	l := &listener{
		Listener: ln, tls: config, limits: limits, most: most, log: log,
		closed: make(chan struct{}),
		open:   make(map[*conn]struct{}), byAddress: make(map[netip.Addr]int),
	}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return ln.Close()
	})
	return l
}

// Accept returns the next connection that is within the caps, as a TLS connection whose handshake
// is still to come.
func (l *listener) Accept() (net.Conn, error) {
	for pause := time.Duration(0); ; {
		raw, err := l.Listener.Accept()
		if err != nil {
			if pause = nextPause(pause); !l.retry(err, pause) {
				return nil, net.ErrClosed
			}
			continue
		}
		pause = 0
		if c := l.admit(raw); c != nil {
			return &secureConn{
				Conn:    tls.Server(c, l.tls),
				below:   c,
				timeout: l.limits.HandshakeTimeout,
			}, nil
		}
		_ = raw.Close() // refused: nothing to tell anyone
	}
}

func nextPause(pause time.Duration) time.Duration {
	return min(max(2*pause, 5*time.Millisecond), time.Second)
}

// retry waits out an error that passes by itself (no file descriptors left, a connection that was
// gone before it was accepted). Any other would end fasthttp's loop, and so does the listener's
// end.
func (l *listener) retry(err error, pause time.Duration) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	l.log.Error("accepting a connection failed; trying again", slog.Any("error", err),
		slog.Duration("pause", pause))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-l.closed:
		return false
	case <-timer.C:
		return true
	}
}

// admit counts the connection, or gives nil where a cap is reached.
func (l *listener) admit(raw net.Conn) *conn {
	c := &conn{Conn: raw, owner: l, address: addressOf(raw.RemoteAddr())}
	most := l.most()
	perAddress := l.limits.PerAddress
	if perAddress == 0 {
		perAddress = most - most/8
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed() {
		return nil
	}
	if len(l.open) >= most || l.byAddress[c.address] >= perAddress {
		l.noteRefusal(c.address, time.Now())
		return nil
	}
	l.open[c] = struct{}{}
	l.byAddress[c.address]++
	return c
}

// noteRefusal logs the first refusal and then at most one a minute, with how many there were.
func (l *listener) noteRefusal(from netip.Addr, now time.Time) {
	l.refused++
	if now.Sub(l.logged) < time.Minute {
		return
	}
	l.logged = now
	l.log.Warn("connection refused: too many are open", slog.String("remote", from.String()),
		slog.Int("open", len(l.open)), slog.Int("from_address", l.byAddress[from]),
		slog.Uint64("refused", l.refused))
}

func (l *listener) release(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	if l.byAddress[c.address]--; l.byAddress[c.address] <= 0 {
		delete(l.byAddress, c.address)
	}
}

// counts returns how many connections are open and how many were refused since the start.
func (l *listener) counts() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open), l.refused
}

// Close stops accepting; connections stay.
func (l *listener) Close() error { return l.close() }

func (l *listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// closeUnused closes the connections that have not sent a request yet. Nobody waits for an answer
// there, but fasthttp would wait for them.
func (l *listener) closeUnused() {
	l.closeWhere(func(c *conn) bool { return !c.used.Load() })
}

// drain waits until every connection is closed, at most for grace, and closes the rest.
func (l *listener) drain(grace time.Duration) {
	deadline := time.Now().Add(grace)
	for time.Now().Before(deadline) {
		if open, _ := l.counts(); open == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.closeWhere(func(*conn) bool { return true })
}

func (l *listener) closeWhere(chosen func(*conn) bool) {
	l.mu.Lock()
	var list []*conn
	for c := range l.open {
		if chosen(c) {
			list = append(list, c)
		}
	}
	l.mu.Unlock()
	for _, c := range list {
		_ = c.Close() // the process is about to end
	}
}

// addressOf returns the client's address, of IPv6 the /64 that one client owns.
func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return network(tcp.AddrPort().Addr())
}

func network(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if !a.Is6() {
		return a
	}
	prefix, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return prefix.Addr()
}
