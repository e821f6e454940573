//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"gusty/test/agent"
)

// wire is one keep-alive connection that costs this side as little as possible, since client and
// server share the machine's cores: requests are bytes that were made before, and of an answer only
// its status and its length are looked at.
type wire struct {
	conn   *tls.Conn
	reader *bufio.Reader
}

func dialWire(ctx context.Context, address string, config *tls.Config) (*wire, error) {
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn.(*tls.Conn), reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// ask sends a request and reads its answer to the end. Any status but 200 is an error.
func (w *wire) ask(request []byte) error {
	if err := w.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := w.conn.Write(request); err != nil {
		return err
	}
	status, err := w.line()
	if err != nil {
		return err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	said := ""
	if !ok {
		said = string(status)
	}
	length, err := w.header()
	if err != nil {
		return err
	}
	if !ok {
		body := make([]byte, length)
		_, _ = io.ReadFull(w.reader, body)
		return fmt.Errorf("answered %s: %s", said, body)
	}
	_, err = w.reader.Discard(length)
	return err
}

func (w *wire) line() ([]byte, error) {
	line, err := w.reader.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// header reads up to the empty line and returns the body's length.
func (w *wire) header() (length int, err error) {
	length = -1
	for {
		line, err := w.line()
		if err != nil {
			return 0, err
		}
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("the answer has no Content-Length")
	}
	return length, nil
}

// request makes the bytes of a request with the credentials; a body goes as JSON.
func request(credentials agent.Credentials, method, path, body string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\n", method,
		path, basic(credentials))
	if body != "" {
		fmt.Fprintf(&out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	out.WriteString("\r\n" + body)
	return out.Bytes()
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
