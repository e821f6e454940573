package opensearch

import (
	"context"
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

// Check goes the way to each endpoint step by step, as far as it leads, to all at the same time: name, connection, TLS, login, permission to write.
// The last step sends a test document to index, which stays there, with the id and the JSON that are given.
func (c *Client) Check(ctx context.Context, index, id string, document []byte) []Step {
	found := make([][]Step, len(c.all))
	var all sync.WaitGroup
	for i, e := range c.all {
		all.Go(func() {
			defer func() {
				if fault := recover(); fault != nil {
					found[i] = []Step{{Name: "check", Found: fmt.Sprintf("%s: a fault of the agent's own: %v", e.name, fault)}}
				}
			}()
			found[i] = c.checkEndpoint(ctx, e)
		})
	}
	all.Wait()
	steps := slices.Concat(found...)
	if reachable(steps, len(c.all)) {
		steps = append(steps, c.checkWrite(ctx, index, id, document))
	}
	return steps
}

// reachable says whether one endpoint at least passed all its steps.
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
	for _, check := range []func(context.Context, *endpoint) Step{c.checkName, c.checkConnection, c.checkTLS, c.checkLogin} {
		step := check(ctx, e)
		if step.Name == "" {
			continue
		}
		step.Found = e.name + ": " + strings.TrimPrefix(step.Found, e.name+": ")
		steps = append(steps, step)
		if !step.OK {
			break
		}
	}
	return steps
}

func (c *Client) checkName(ctx context.Context, e *endpoint) Step {
	addr := e.addr
	if e.proxy != nil {
		addr = e.proxy.addr
	}
	host, _, _ := net.SplitHostPort(addr) // it was joined by us
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return Step{Name: "DNS", Found: err.Error(), Remedy: "check the host in opensearch_domain_endpoint (or the proxy's), and this host's name servers"}
	}
	return Step{Name: "DNS", OK: true, Found: host + " is " + strings.Join(addresses, ", ")}
}

func (c *Client) checkConnection(ctx context.Context, e *endpoint) Step {
	plain := *e
	plain.secure = false // TLS has a step of its own
	n, err := c.dial(ctx, &plain)
	if err != nil {
		return Step{Name: "TCP", Found: err.Error(), Remedy: "check the port, that OpenSearch runs, and the firewalls between"}
	}
	defer func() { _ = n.Close() }() // nothing was sent on it
	if e.proxy != nil {
		return Step{Name: "TCP", OK: true, Found: "the proxy " + e.proxy.addr + " takes connections"}
	}
	return Step{Name: "TCP", OK: true, Found: "connected to " + n.RemoteAddr().String()}
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

func remedyOfTLS(err error) string {
	if _, pinned := errors.AsType[*PinError](err); pinned {
		return "if the server's certificate was replaced on purpose, set opensearch_fingerprint to the new one"
	}
	return "set opensearch_ca_file to the PEM file of the authority that signed the server's certificate, or opensearch_fingerprint to the " +
		"certificate's SHA-256; the name in the endpoint must be one of the certificate's"
}

func (c *Client) checkLogin(ctx context.Context, e *endpoint) Step {
	one := &Client{config: c.config, trust: c.trust, auth: c.auth, conceal: c.conceal, all: []*endpoint{e}}
	defer one.Close()
	status, body, err := one.Do(ctx, fasthttp.MethodGet, "/", nil)
	switch {
	case err != nil:
		return Step{Name: "login", Found: err.Error(), Remedy: "something answers there that does not speak HTTP, or too slowly"}
	case status == fasthttp.StatusUnauthorized:
		return Step{Name: "login", Found: "answered 401", Remedy: "check opensearch_user_name and opensearch_user_pass, or opensearch_api_token"}
	case status == fasthttp.StatusForbidden:
		return Step{Name: "login", OK: true, Found: "logged in, without the permission to ask for the version"}
	case status != fasthttp.StatusOK:
		_, reason := Explain([]byte(c.conceal.Replace(string(body))))
		return Step{Name: "login", Found: fmt.Sprintf("answered %d: %s", status, reason), Remedy: "see OpenSearch's own log"}
	}
	return versionStep(body)
}

func versionStep(body []byte) Step {
	var root struct {
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if json.Unmarshal(body, &root) != nil || root.Version.Number == "" {
		return Step{Name: "login", Found: "the answer is not OpenSearch's", Remedy: "check the address and the path in opensearch_domain_endpoint"}
	}
	return Step{Name: "login", OK: true, Found: clip(root.Version.Distribution+" "+root.Version.Number, 80)}
}

func (c *Client) checkWrite(ctx context.Context, index, id string, document []byte) Step {
	b := NewBatch()
	b.Add(index, id, document)
	var item Item
	begun := time.Now()
	err := c.Bulk(ctx, b, func(_ int, got Item) { item = got })
	switch {
	case err != nil:
		return Step{Name: "test document", Found: err.Error(), Remedy: "the user needs the permission indices:data/write/bulk for the cluster"}
	case item.Class() == Delivered:
		took := time.Since(begun).Round(time.Millisecond)
		return Step{Name: "test document", OK: true, Found: fmt.Sprintf("%s has taken the document %s in %s", index, id, took)}
	}
	return Step{Name: "test document", Found: fmt.Sprintf("answered %d: %s", item.Status, item.Reason), Remedy: remedyOfItem(&item)}
}

func remedyOfItem(item *Item) string {
	switch {
	case item.Class() == Denied:
		return "give the user's role crud and create_index for the agent's indices"
	case item.Type == typeBlock:
		return "lift the block of the index or the cluster; a full disk sets one"
	case item.Class() == Later:
		return "wait, or see what keeps the cluster busy"
	default:
		return "see the reason; gustyctl opensearch setup installs the index templates"
	}
}
