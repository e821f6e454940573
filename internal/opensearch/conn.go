package opensearch

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// readBuffer holds an answer's whole head at least.
const readBuffer = 16 << 10

// conn is one connection to an endpoint; one exchange at a time.
type conn struct {
	net.Conn
	endpoint *endpoint
	reader   *bufio.Reader
	used     bool // has carried an exchange: the server may have closed it since
}

// dial connects, through the proxy where there is one, and verifies the server.
func (c *Client) dial(ctx context.Context, e *endpoint) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	addr := e.addr
	if e.proxy != nil {
		addr = e.proxy.addr
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	switch {
	case err != nil && e.proxy != nil:
		return nil, e.proxy.failed(unconnected(err))
	case err != nil:
		return nil, unconnected(err)
	}
	if e.secure {
		if raw, err = c.secure(ctx, raw, e); err != nil {
			return nil, err
		}
	}
	return &conn{Conn: raw, endpoint: e, reader: bufio.NewReaderSize(raw, readBuffer)}, nil
}

func (c *Client) secure(ctx context.Context, raw net.Conn, e *endpoint) (net.Conn, error) {
	config, err := c.trust.config(e.server)
	if err == nil && e.proxy != nil {
		deadline, _ := ctx.Deadline()
		_ = raw.SetDeadline(deadline) // a connection that takes none fails by itself
		err = e.proxy.tunnel(raw, e.addr)
	}
	if err == nil {
		_ = raw.SetDeadline(time.Time{})
		secured := tls.Client(raw, config)
		if err = secured.HandshakeContext(ctx); err == nil {
			return secured, nil
		}
	}
	_ = raw.Close()
	return nil, unconnected(err)
}

// request is what goes out.
type request struct {
	method      string
	path        string
	contentType string
	gzipped     bool
	body        []byte
}

// head writes the request's head. All of it was checked for line ends where it came in.
func (c *Client) head(e *endpoint, r *request) []byte {
	target := e.path + r.path
	if e.proxy != nil && !e.secure {
		target = e.name + target
	}
	head := make([]byte, 0, 512)
	head = append(head, r.method+" "+target+" HTTP/1.1\r\nHost: "+e.host+"\r\n"+c.auth...)
	head = append(head, "User-Agent: "+c.config.UserAgent+"\r\nAccept: application/json\r\n"...)
	if e.proxy != nil && !e.secure {
		head = append(head, e.proxy.auth...)
	}
	if r.contentType != "" {
		head = append(head, "Content-Type: "+r.contentType+"\r\n"...)
	}
	if r.gzipped {
		head = append(head, "Content-Encoding: gzip\r\n"...)
	}
	head = append(head, "Content-Length: "...)
	head = strconv.AppendInt(head, int64(len(r.body)), 10)
	return append(head, "\r\n\r\n"...)
}

// exchange sends the request and reads the answer's head. A server that refuses a body before it
// has it all may have answered although the writing failed.
func (n *conn) exchange(head []byte, body []byte) (*fasthttp.Response, error) {
	_, sent := n.Write(head)
	if sent == nil {
		_, sent = n.Write(body)
	}
	response := &fasthttp.Response{StreamBody: true}
	if err := response.ReadLimitBody(n.reader, 1); err != nil {
		if sent != nil {
			return nil, sent
		}
		return nil, noHTTP(err)
	}
	return response, sent
}

// finish reads what is left of a short answer, so that the connection can carry the next exchange,
// and reports whether it can: not where something stands behind the answer, which would be taken
// for the next one.
func (n *conn) finish(response *fasthttp.Response) bool {
	const most = 64 << 10
	left, err := io.Copy(io.Discard, io.LimitReader(bodyOf(response), most))
	return err == nil && left < most && !response.ConnectionClose() && n.reader.Buffered() == 0
}

// bodyOf returns what an answer has behind its head: nothing where its status allows no body (204,
// 304).
func bodyOf(response *fasthttp.Response) io.Reader {
	if body := response.BodyStream(); body != nil {
		return body
	}
	return strings.NewReader("")
}
