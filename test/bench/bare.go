//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/test/agent"
)

// bareCommand makes this program the baseline: a bare fasthttp server with TLS that answers
// everything with the bytes of one file.
const bareCommand = "serve-bare"

// serveBare serves until it is killed. Arguments: port, certificate, key, file with the body.
func serveBare(args []string) {
	body, err := os.ReadFile(args[3])
	if err == nil {
		server := &fasthttp.Server{
			NoDefaultServerHeader: true,
			Handler: func(ctx *fasthttp.RequestCtx) {
				ctx.SetContentType("application/json")
				ctx.Response.Header.Set("X-Request-Id", "01890000-0000-7000-8000-000000000000")
				ctx.SetBody(body)
			},
		}
		err = server.ListenAndServeTLS("127.0.0.1:"+args[0], args[1], args[2])
	}
	fmt.Fprintln(os.Stderr, "serve-bare:", err)
	os.Exit(1)
}

// bareServer is that server in a process of its own, as the agent is in one.
type bareServer struct {
	port    int
	begun   time.Time
	command *exec.Cmd
}

// startBare starts it with the agent's own certificate, so that both do the same work in a
// handshake.
func startBare(ctx context.Context, tlsDir, dir string, body []byte) (*bareServer, error) {
	port, err := agent.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "bare-body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, bareCommand, strconv.Itoa(port),
		filepath.Join(tlsDir, "server.pem"), filepath.Join(tlsDir, "server-key.pem"), file)
	command.Stderr = os.Stderr
	s := &bareServer{port: port, command: command, begun: time.Now()}
	return s, command.Start()
}

func (s *bareServer) stop() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait() // killed: nothing else to learn
}
