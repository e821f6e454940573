package api

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkMetric compares GET /agent/metric, with credentials and 64 keep-alive connections, with
// a bare fasthttp server over the same TLS that writes the same bytes. The goal is 0.8 of its
// requests a second.
func BenchmarkMetric(b *testing.B) {
	b.Run("gusty", func(b *testing.B) {
		h := startForBenchmark(b)
		hammer(b, h.addr)
	})
	b.Run("bare", func(b *testing.B) {
		h := startForBenchmark(b)
		sample := h.do("GET", "/agent/metric", "")
		hammer(b, bareServer(b, h, sample))
	})
}

func startForBenchmark(b *testing.B) *harness {
	b.Helper()
	return start(b, func(o *Options) { o.Logger = slog.New(slog.DiscardHandler) })
}

// bareServer serves the same bytes with nothing around them.
func bareServer(b *testing.B, h *harness, sample answer) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(sample.body)
	server := &fasthttp.Server{
		Name: "gusty", ReduceMemoryUsage: true, NoDefaultContentType: true,
		Handler: func(ctx *fasthttp.RequestCtx) {
			for _, name := range []string{
				"X-Request-Id", "X-Content-Type-Options", "Cache-Control",
				"Content-Type",
			} {
				ctx.Response.Header.Set(name, sample.header.Get(name))
			}
			ctx.Response.SetBodyRaw(body)
		},
	}
	// ends with the listener
	go func() { _ = server.Serve(tls.NewListener(ln, h.server.tlsConfig())) }()
	b.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

// hammer sends b.N requests over 64 connections.
func hammer(b *testing.B, addr string) {
	b.Helper()
	const connections = 64
	request := []byte("GET /agent/metric HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " +
		b64(testUser+":"+testPass) + "\r\n\r\n")
	var left atomic.Int64
	var group sync.WaitGroup
	ready := make(chan error, connections)
	begin := make(chan struct{})
	for range connections {
		group.Go(func() {
			// the server under test is this process
			conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
			if err == nil {
				err = exchange(conn, bufio.NewReader(conn), request)
			}
			ready <- err
			<-begin
			if err != nil {
				return
			}
			reader := bufio.NewReader(conn)
			for left.Add(-1) >= 0 {
				if err := exchange(conn, reader, request); err != nil {
					b.Error(err)
					return
				}
			}
			_ = conn.Close()
		})
	}
	for range connections {
		if err := <-ready; err != nil {
			b.Fatal(err)
		}
	}
	left.Store(int64(b.N))
	b.ResetTimer()
	close(begin)
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func exchange(conn net.Conn, reader *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return response.Body.Close()
}
