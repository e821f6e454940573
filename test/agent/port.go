package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort gives a port of 127.0.0.1 that nobody listens on, below those that kernels give to outgoing connections, so that none of the
// connections a test makes meanwhile takes it.
func FreePort(ctx context.Context) (int, error) {
	for range 100 {
		port := 22000 + rand.IntN(10000)
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("none of 100 ports between 22000 and 32000 is free on 127.0.0.1")
}
