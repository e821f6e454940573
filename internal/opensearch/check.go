package opensearch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Step is one step of a Check.
type Step struct {
	Name   string
	OK     bool
	Found  string // what was seen, in words
	Remedy string // what to do where it is not well
}

// Probe is a test document for one index, which stays there.
type Probe struct {
	Index  string
	ID     string
	Source []byte // JSON on one line
}

// Check goes the way to each endpoint step by step, as far as it leads, to all at the same time:
// name and connection, or the proxy; TLS, login. The last steps tell what became of the probes,
// which are sent where one endpoint at least can be reached.
func (c *Client) Check(ctx context.Context, probes []Probe) []Step {
	found := make([][]Step, len(c.all))
	var all sync.WaitGroup
	for i, e := range c.all {
		all.Go(func() {
			defer func() {
				if fault := recover(); fault != nil {
					found[i] = []Step{{
						Name:  "check",
						Found: fmt.Sprintf("%s: a fault of the agent's own: %v", e.name, fault),
					}}
				}
			}()
			found[i] = c.checkEndpoint(ctx, e)
		})
	}
	all.Wait()
	steps := slices.Concat(found...)
	if reachable(steps, len(c.all)) {
		steps = append(steps, c.checkWrite(ctx, probes)...)
	}
	return steps
}

// reachable reports whether one endpoint at least passed all its steps.
func reachable(steps []Step, endpoints int) bool {
	faults := 0
	for _, s := range steps {
		if !s.OK {
			faults++
		}
	}
	return faults < endpoints
}

func (c *Client) checkEndpoint(ctx context.Context, e *endpoint) (steps []Step) {
	way := []func(context.Context, *endpoint) Step{
		c.checkName, c.checkConnection, c.checkTLS,
		c.checkLogin,
	}
	if e.proxy != nil {
		way = []func(context.Context, *endpoint) Step{c.checkProxy, c.checkTLS, c.checkLogin}
	}
	for _, check := range way {
		step := check(ctx, e)
		step.Found = e.name + ": " + strings.TrimPrefix(step.Found, e.name+": ")
		steps = append(steps, step)
		if !step.OK {
			break
		}
	}
	return steps
}

func (c *Client) checkName(ctx context.Context, e *endpoint) Step {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, e.server)
	if err != nil {
		return Step{
			Name:   "DNS",
			Found:  err.Error(),
			Remedy: "check the host in opensearch_domain_endpoint, and this host's name servers",
		}
	}
	return Step{Name: "DNS", OK: true, Found: e.server + " is " + strings.Join(addresses, ", ")}
}

func (c *Client) checkConnection(ctx context.Context, e *endpoint) Step {
	plain := *e
	plain.secure = false // TLS has a step of its own
	n, err := c.dial(ctx, &plain)
	if err != nil {
		return Step{
			Name:   "TCP",
			Found:  err.Error(),
			Remedy: "check the port, that OpenSearch runs, and the firewalls between",
		}
	}
	defer func() { _ = n.Close() }() // nothing was sent on it
	return Step{Name: "TCP", OK: true, Found: "connected to " + n.RemoteAddr().String()}
}

// checkProxy goes through the proxy: for TLS up to the endpoint, else no further than to the proxy
// itself.
func (c *Client) checkProxy(ctx context.Context, e *endpoint) Step {
	plain := *e
	plain.secure = false // TLS has a step of its own
	n, err := c.dial(ctx, &plain)
	if err == nil {
		defer func() { _ = n.Close() }() // at most CONNECT was sent on it
		if e.secure {
			// a connection that takes none fails by itself
			_ = n.SetDeadline(time.Now().Add(connectTimeout))
			err = e.proxy.tunnel(n, e.addr)
		}
	}
	if err != nil {
		return Step{Name: "proxy", Found: err.Error(), Remedy: remedyOfProxy(e, err)}
	}
	if e.secure {
		return Step{
			Name:  "proxy",
			OK:    true,
			Found: "the proxy " + e.proxy.addr + " has connected to " + e.addr,
		}
	}
	return Step{Name: "proxy", OK: true, Found: "the proxy " + e.proxy.addr + " takes connections"}
}

func (c *Client) checkTLS(ctx context.Context, e *endpoint) Step {
	if !e.secure {
		return Step{Name: "TLS", OK: true, Found: "not used: the endpoint begins with http://, and the password goes over the network in clear"}
	}
	n, err := c.dial(ctx, e)
	if err != nil {
		return Step{Name: "TLS", Found: err.Error(), Remedy: remedyOfTLS(err)}
	}
	defer func() { _ = n.Close() }() // nothing was sent on it
	return Step{Name: "TLS", OK: true, Found: "the server's certificate is trusted"}
}

func (c *Client) checkLogin(ctx context.Context, e *endpoint) Step {
	one := &Client{
		config:  c.config,
		trust:   c.trust,
		auth:    c.auth,
		conceal: c.conceal,
		all:     []*endpoint{e},
	}
	defer one.Close()
	status, body, err := one.Do(ctx, fasthttp.MethodGet, "/", nil)
	kind, reason := Explain([]byte(c.conceal.Replace(string(body))))
	answered := &StatusError{Status: status, Reason: reason}
	byProxy := kind == "" && e.proxy != nil && !e.secure // what OpenSearch answers it gives a name
	switch {
	case err != nil:
		return Step{Name: "login", Found: err.Error(), Remedy: c.remedyOfSilence(ctx, e, err)}
	case status == fasthttp.StatusProxyAuthRequired, byProxy &&
		(status == fasthttp.StatusForbidden || status >= fasthttp.StatusBadGateway):
		refused := &ProxyError{
			Status: status,
			text:   "the proxy " + e.proxyName() + " " + answered.Error(),
		}
		return Step{Name: "proxy", Found: refused.Error(), Remedy: remedyOfProxy(e, refused)}
	case status == fasthttp.StatusUnauthorized:
		return Step{
			Name:   "login",
			Found:  "answered 401",
			Remedy: "check opensearch_user_name and opensearch_user_pass, or opensearch_api_token",
		}
	case status == fasthttp.StatusForbidden:
		return Step{
			Name:  "login",
			OK:    true,
			Found: "logged in, without the permission to ask for the version",
		}
	case status == fasthttp.StatusBadRequest && c.speaksTLS(ctx, e):
		return Step{Name: "login", Found: answered.Error(), Remedy: beginWithHTTPS}
	case status != fasthttp.StatusOK:
		return Step{Name: "login", Found: answered.Error(), Remedy: remedyOfStatus(status)}
	}
	return versionStep(body)
}

// speaksTLS reports whether a plain endpoint's port takes TLS. Nothing is sent over it, so that
// nobody needs to be trusted.
func (c *Client) speaksTLS(ctx context.Context, e *endpoint) bool {
	if e.secure || e.proxy != nil {
		return false
	}
	n, err := c.dial(ctx, e)
	if err != nil {
		return false
	}
	defer func() { _ = n.Close() }() // nothing but a handshake was sent on it
	_ = n.SetDeadline(time.Now().Add(connectTimeout))
	err = tls.Client(n.Conn, &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: e.server,
	}).HandshakeContext(ctx)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return err == nil || untrusted
}

func versionStep(body []byte) Step {
	var root struct {
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if json.Unmarshal(body, &root) != nil || root.Version.Number == "" {
		return Step{
			Name:   "login",
			Found:  "the answer is not OpenSearch's",
			Remedy: "check the address and the path in opensearch_domain_endpoint",
		}
	}
	return Step{
		Name:  "login",
		OK:    true,
		Found: clip(strings.TrimSpace(root.Version.Distribution+" "+root.Version.Number), 80),
	}
}

// checkWrite sends the probes in one request, and returns a step for each.
func (c *Client) checkWrite(ctx context.Context, probes []Probe) []Step {
	const name = "test document"
	b := NewBatch()
	for _, p := range probes {
		b.Add(p.Index, p.ID, p.Source)
	}
	items := make([]Item, len(probes))
	begun := time.Now()
	if err := c.Bulk(ctx, b, func(i int, got Item) { items[i] = got }); err != nil {
		return []Step{{Name: name, Found: err.Error(), Remedy: remedyOfBulk(err)}}
	}
	took := time.Since(begun).Round(time.Millisecond)
	steps := make([]Step, len(probes))
	for i, p := range probes {
		item := &items[i]
		if item.Class() == Delivered {
			steps[i] = Step{
				Name:  name,
				OK:    true,
				Found: fmt.Sprintf("%s has taken the document %s in %s", p.Index, p.ID, took),
			}
			continue
		}
		steps[i] = Step{
			Name:   name,
			Found:  fmt.Sprintf("%s: answered %d: %s", p.Index, item.Status, item.Reason),
			Remedy: remedyOfItem(item),
		}
	}
	return steps
}
