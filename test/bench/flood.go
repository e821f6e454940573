//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"gusty/test/agent"
)

const (
	floodTLS    = 5000
	floodSilent = 1000
	floodGoal   = 64_000_000
	// of the 1,024 places, with some for the silent and for known clients
	heldGoal   = 900
	roomWithin = 15 * time.Second // from the flood's end until a new client is served
)

// flood is the connections that were made, and of those the ones that the agent has kept.
type flood struct {
	mu    sync.Mutex
	conns []net.Conn
}

// measureFlood tries and holds 5,000 TLS connections and 1,000 TCP connections that never say a
// word, from 64 addresses, while a client that was there before goes on asking; then lets go, and
// sees whether a new client is served.
func measureFlood(ctx context.Context, b *bench) ([]figure, error) {
	process, err := b.start(ctx, "flood")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	config, err := process.TLS()
	if err != nil {
		return nil, err
	}
	credentials, err := process.Credentials()
	if err != nil {
		return nil, err
	}
	ask := request(credentials, http.MethodGet, "/agent/status", "")
	known, err := dialFleet(ctx, 1, local(process.Port), config, func(int) []byte { return ask })
	if err != nil {
		return nil, err
	}
	defer known.close()
	peak := agent.WatchMemory(ctx, process.PID, 50*time.Millisecond)
	served := keepAsking(ctx, known)
	f := &flood{}
	f.open(ctx, process.Port, floodTLS, config)
	f.open(ctx, process.Port, floodSilent, nil)
	held := f.held()
	slowest, servedErr := served()
	highest := peak()
	f.close()
	room, roomErr := servedAgain(ctx, process.Port, config, ask)
	return []figure{
		memory("resident in a flood of 5,000 TLS and 1,000 silent connections", highest, floodGoal,
			""),
		{
			what:     "of those held",
			measured: fmt.Sprint(held),
			goal:     fmt.Sprintf(">= %d", heldGoal),
			met:      judge(held >= heldGoal),
		},
		{
			what:     "slowest answer to a known client meanwhile",
			measured: told(slowest, servedErr),
			goal:     "served",
			met:      judge(servedErr == nil),
		},
		{
			what:     "until a new client is served after it",
			measured: told(room, roomErr),
			goal:     "<= " + roomWithin.String(),
			met:      judge(roomErr == nil),
		},
	}, nil
}

func told(d time.Duration, err error) string {
	if err != nil {
		return "failed: " + err.Error()
	}
	return millis(d)
}

// open makes count connections from many addresses of the loopback network, since the agent also
// has a cap for each address. With a configuration it does the TLS handshake, without it says
// nothing.
func (f *flood) open(ctx context.Context, port, count int, config *tls.Config) {
	each := make(chan int)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for i := range each {
				if conn := connect(ctx, port, 2+i%64, config); conn != nil {
					f.mu.Lock()
					f.conns = append(f.conns, conn)
					f.mu.Unlock()
				}
			}
		})
	}
	for i := range count {
		each <- i
	}
	close(each)
	all.Wait()
}

func connect(ctx context.Context, port, host int, config *tls.Config) net.Conn {
	dialer := net.Dialer{
		Timeout:   5 * time.Second,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(host))},
	}
	conn, err := dialer.DialContext(ctx, "tcp", local(port))
	if err != nil {
		return nil
	}
	if config == nil {
		return conn
	}
	secure := tls.Client(conn, config)
	handshake, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if secure.HandshakeContext(handshake) != nil {
		_ = conn.Close()
		return nil
	}
	return secure
}

// held counts the connections that the agent has not closed: to read from one of those takes longer
// than the deadline.
func (f *flood) held() int {
	held := 0
	for _, conn := range f.conns {
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			held++
		}
	}
	return held
}

func (f *flood) close() {
	for _, conn := range f.conns {
		_ = conn.Close()
	}
}

// keepAsking asks ten times a second until the function that it returns is called, which tells the
// slowest answer.
func keepAsking(ctx context.Context, known *fleet) (stop func() (time.Duration, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var slowest time.Duration
	var failure error
	var done sync.WaitGroup
	done.Go(func() {
		for failure == nil {
			begun := time.Now()
			failure = known.wires[0].ask(known.requests[0])
			slowest = max(slowest, time.Since(begun))
			if pause(ctx, 100*time.Millisecond) != nil {
				return
			}
		}
	})
	return func() (time.Duration, error) {
		cancel()
		done.Wait()
		return slowest, failure
	}
}

// servedAgain tries to be served as a new client.
func servedAgain(ctx context.Context, port int, config *tls.Config, ask []byte) (time.Duration,
	error,
) {
	begun := time.Now()
	for {
		w, err := dialWire(ctx, local(port), config)
		if err == nil {
			err = w.ask(ask)
			w.close()
		}
		if err == nil || time.Since(begun) > roomWithin {
			return time.Since(begun), err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
