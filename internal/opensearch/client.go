package opensearch

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// keptConnections is how many idle connections are kept.
const keptConnections = 2

// Client sends requests to one cluster. Its methods may be called from any goroutine.
type Client struct {
	config  Config
	trust   trust
	auth    string // a whole header line, or empty
	conceal *strings.Replacer
	all     []*endpoint

	mu      sync.Mutex
	current int // the endpoint that answered last
	idle    []*conn
	closed  bool
}

// New checks the configuration; it does not connect.
func New(config Config) (*Client, error) {
	c := &Client{config: config, conceal: concealer(&config)}
	var err error
	if c.all, err = config.endpoints(); err != nil {
		return nil, err
	}
	if c.trust, err = newTrust(config.CAFile, config.Fingerprint); err != nil {
		return nil, err
	}
	if c.config.Timeout == 0 {
		c.config.Timeout = defaultTimeout
	}
	c.auth = authorization(&config)
	if strings.ContainsAny(strings.TrimSuffix(c.auth, "\r\n")+config.UserAgent, "\r\n") {
		return nil, errors.New("a token must not hold line ends")
	}
	return c, nil
}

func authorization(c *Config) string {
	switch {
	case strings.Contains(c.Token, " "):
		return "Authorization: " + c.Token + "\r\n"
	case c.Token != "":
		return "Authorization: Bearer " + c.Token + "\r\n"
	case c.User != "":
		return "Authorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password)) + "\r\n"
	default:
		return ""
	}
}

// Close closes the idle connections; what is under way goes on, and its connections are not kept.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.CloseIdle()
}

// CloseIdle closes the idle connections; the next exchange makes a new one.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, n := range idle {
		_ = n.Close() // nothing is under way on it
	}
}

// Endpoint names the endpoint that is in use.
func (c *Client) Endpoint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[c.current].name
}

// roundTrip sends a request to the endpoint in use, and to the others in turn where that one cannot
// be reached, is not ready or answers nonsense. read gets the answer of each that was tried; what
// it leaves unread costs the connection. After a failure that may be the endpoint's own, the next
// request begins with another one.
func (c *Client) roundTrip(ctx context.Context, r *request,
	read func(*fasthttp.Response) error,
) error {
	var err error
	first := c.first()
	for i := range c.all {
		e := c.all[(first+i)%len(c.all)]
		err = c.try(ctx, e, r, read)
		if err == nil || ctx.Err() != nil || !elsewhere(err) {
			c.settle(e, err)
			return err
		}
	}
	c.settle(c.all[first], err)
	return err
}

// elsewhere reports whether another endpoint is to be tried at once.
func elsewhere(err error) bool {
	status, answered := errors.AsType[*StatusError](err)
	return !answered ||
		slices.Contains([]int{
			fasthttp.StatusBadGateway, fasthttp.StatusServiceUnavailable,
			fasthttp.StatusGatewayTimeout,
		}, status.Status)
}

// first returns with which endpoint a request begins.
func (c *Client) first() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// settle notes with which endpoint the next request begins: the one that answered, or the one
// behind it where the answer was not of use.
func (c *Client) settle(e *endpoint, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = slices.Index(c.all, e)
	if status, answered := errors.AsType[*StatusError](err); err != nil &&
		(!answered || status.Class() == Later) {
		c.current = (c.current + 1) % len(c.all)
	}
}

// try sends a request to one endpoint. On a kept connection that the server has closed meanwhile it
// is repeated at once on a new one.
func (c *Client) try(ctx context.Context, e *endpoint, r *request,
	read func(*fasthttp.Response) error,
) error {
	for {
		n := c.kept(e)
		if n == nil {
			var err error
			if n, err = c.dial(ctx, e); err != nil {
				return c.explain(e, err)
			}
		}
		again, err := c.carry(ctx, n, r, read)
		if !again {
			return err
		}
	}
}

// carry performs one exchange under one deadline. again says that the connection was a kept one,
// and dead.
func (c *Client) carry(ctx context.Context, n *conn, r *request,
	read func(*fasthttp.Response) error,
) (again bool, err error) {
	// a connection that takes none fails by itself
	_ = n.SetDeadline(time.Now().Add(c.config.Timeout))
	stop := context.AfterFunc(ctx, func() { _ = n.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	response, err := n.exchange(c.head(n.endpoint, r), r.body)
	if response == nil {
		_ = n.Close()
		return n.used && ctx.Err() == nil && !isTimeout(err), c.explain(n.endpoint, inWords(err))
	}
	whole := err == nil
	if err = read(response); err != nil {
		_, told := errors.AsType[*StatusError](err)
		whole, err = whole && told, c.explain(n.endpoint, inWords(err))
	}
	whole = whole && n.finish(response)
	_ = response.CloseBodyStream() // it closes nothing: the connection is ours
	n.used = true
	if !whole || !stop() || !c.keep(n) {
		_ = n.Close()
	}
	return false, err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func (c *Client) kept(e *endpoint) *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range c.idle {
		if n.endpoint == e {
			c.idle = slices.Delete(c.idle, i, i+1)
			return n
		}
	}
	return nil
}

func (c *Client) keep(n *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= keptConnections {
		return false
	}
	c.idle = append(c.idle, n)
	return true
}

// maxBodyBytes bounds an answer that is read whole.
const maxBodyBytes = 64 << 10

// Do sends one JSON request, or one without a body, and returns the status and the body's first 64
// KiB. Only what kept an answer from coming is an error.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) (status int,
	answer []byte, err error,
) {
	r := &request{method: method, path: path, body: body}
	if body != nil {
		r.contentType = "application/json"
	}
	err = c.roundTrip(ctx, r, func(response *fasthttp.Response) (err error) {
		status = response.StatusCode()
		answer, err = io.ReadAll(io.LimitReader(bodyOf(response), maxBodyBytes))
		return err
	})
	return status, answer, err
}

// retryAfter reads the header in its two forms, seconds and a date in any of the three ways of RFC
// 9110; 0 where there is none.
func retryAfter(response *fasthttp.Response, now time.Time) time.Duration {
	const most = math.MaxInt64 / int64(time.Second)
	value := string(response.Header.Peek("Retry-After"))
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(most))) * time.Second
	}
	for _, layout := range []string{
		"Mon, 02 Jan 2006 15:04:05 GMT",
		"Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC,
	} {
		if at, err := time.Parse(layout, value); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	return 0
}
