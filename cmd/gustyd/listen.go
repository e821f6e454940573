package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"gusty/messages"
)

// portPatience is how long a port that was asked for by name is waited for: an agent that is being
// replaced may still be stopping.
const portPatience = 10 * time.Second

// listen opens the port that the flags name, or the one the parameters do, or the first free one
// beside that.
func listen(ctx context.Context, s settings, config *messages.Config) (net.Listener, error) {
	host := s.listen
	if host == "" {
		host = config.Text(messages.ParamIPAddr)
	}
	if s.port != 0 {
		return listenPatiently(ctx, host, s.port)
	}
	port := int(config.Int(messages.ParamServerPort))
	ln, err := listenOn(ctx, host, port)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return ln, explainListen(err, host, port)
	}
	from, to := int(config.Int(messages.ParamMinPort)), int(config.Int(messages.ParamMaxPort))
	for port := from; port <= to; port++ {
		if ln, err := listenOn(ctx, host, port); err == nil {
			return ln, nil
		}
	}
	return nil, fmt.Errorf("no port from %d to %d is free on %s: end what holds them, or name "+
		"another port", from, to, host)
}

func listenOn(ctx context.Context, host string, port int) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

func listenPatiently(ctx context.Context, host string, port int) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, portPatience)
	defer cancel()
	for {
		ln, err := listenOn(ctx, host, port)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return ln, explainListen(err, host, port)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("port %d on %s is taken: end what holds it, or name another "+
				"port", port, host)
		}
	}
}

func explainListen(err error, host string, port int) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot listen on %s port %d, choose another with PORT and --listen: %w",
		host, port, err)
}

// portOf returns the port that a listener got.
func portOf(ln net.Listener) int {
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}
