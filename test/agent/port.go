package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// Ports are given out below those that kernels give to outgoing connections, so that none of the
// connections a test makes meanwhile takes one.
const (
	firstPort = 22000
	spans     = 100
	spanPorts = 100 // of which the first is not given out
)

// span is where a process takes its ports from, one after the other: between the time when a port
// is found to be free and the time when an agent listens on it, no test takes it for another agent,
// be it of this process or of one that runs beside it.
type span struct {
	first int
	// on the first port, as long as the process lives: it keeps others from the span
	held  net.Listener
	taken atomic.Uint32
}

// ownSpan is claimed when the process first asks for a port.
var ownSpan = sync.OnceValues(claimSpan)

func claimSpan() (*span, error) {
	for _, n := range rand.Perm(spans) {
		first := firstPort + n*spanPorts
		if held, err := listenOn(context.Background(), first); err == nil {
			return &span{first: first, held: held}, nil
		}
	}
	return nil, errors.New("somebody listens on the first port of each span between 22000 and " +
		"32000 on 127.0.0.1")
}

// FreePort returns a port of 127.0.0.1 that nobody listens on, and that no other process is given.
func FreePort(ctx context.Context) (int, error) {
	own, err := ownSpan()
	if err != nil {
		return 0, err
	}
	for range spanPorts - 1 {
		port := own.first + 1 + int(own.taken.Add(1)-1)%(spanPorts-1)
		if listener, err := listenOn(ctx, port); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("none of the ports after %d is free on 127.0.0.1", own.first)
}

func listenOn(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
