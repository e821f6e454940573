package opensearch

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config says where OpenSearch is and who asks. It is not logged anywhere: it holds secrets.
type Config struct {
	Endpoints []string // http(s)://host[:port][/path]
	User      string
	Password  string
	// goes before User; "Bearer" is put before one that names no scheme ("ApiKey …")
	Token       string
	CAFile      string // PEM; empty: the system's authorities
	Fingerprint string // SHA-256 of the server's own certificate in hex; empty: none is pinned
	UserAgent   string
	Timeout     time.Duration               // of one exchange, connecting apart; 0: one minute
	Getenv      func(string) (value string) // for the proxy variables; nil: no proxy
}

const (
	defaultTimeout = time.Minute
	connectTimeout = 10 * time.Second // to connect, through a proxy too, with the TLS handshake
)

// endpoint is one address of the cluster, ready to be used.
type endpoint struct {
	name   string // as messages show it
	host   string // as the Host header has it
	addr   string // host:port
	server string // as the certificate names it
	path   string // of a cluster behind a prefix, without the last slash
	secure bool
	proxy  *proxy // nil: none
}

func (c *Config) endpoints() ([]*endpoint, error) {
	var all []*endpoint
	for _, text := range c.Endpoints {
		text = strings.TrimSpace(text)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, fmt.Errorf("%q is no endpoint: it needs http:// or https:// and a host", text)
		}
		e := &endpoint{
			name: u.Scheme + "://" + u.Host, host: u.Host, server: u.Hostname(), path: strings.TrimRight(u.EscapedPath(), "/"),
			secure: u.Scheme == "https",
		}
		e.addr = net.JoinHostPort(u.Hostname(), portOf(u))
		if e.proxy, err = proxyFor(c.Getenv, u); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, errors.New("no endpoint is given")
	}
	return all, nil
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
