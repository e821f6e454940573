package opensearch

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// proxy is an HTTP proxy that stands before an endpoint.
type proxy struct {
	addr string
	auth string // a whole header line, or empty
}

// proxyFor gives the proxy that the environment names for a URL: http_proxy or https_proxy by its scheme, or all_proxy; nil where there is none
// or no_proxy names the host. Upper-case names are taken too, but for HTTP_PROXY in a CGI script's place (REQUEST_METHOD is set there).
func proxyFor(getenv func(string) string, u *url.URL) (*proxy, error) {
	if getenv == nil || spared(getEither(getenv, "no_proxy"), u) {
		return nil, nil
	}
	name := u.Scheme + "_proxy"
	value := getenv(name)
	if value == "" && (u.Scheme == "https" || getenv("REQUEST_METHOD") == "") {
		value = getenv(strings.ToUpper(name))
	}
	if value == "" {
		value = getEither(getenv, "all_proxy")
	}
	if value == "" {
		return nil, nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	p, err := url.Parse(value)
	if err != nil || p.Host == "" || p.Scheme != "http" {
		return nil, fmt.Errorf("the environment variable %s needs http://host:port", name)
	}
	found := &proxy{addr: net.JoinHostPort(p.Hostname(), portOf(p))}
	if p.User != nil {
		password, _ := p.User.Password()
		found.auth = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.User.Username()+":"+password)) + "\r\n"
	}
	return found, nil
}

func getEither(getenv func(string) string, name string) string {
	if value := getenv(name); value != "" {
		return value
	}
	return getenv(strings.ToUpper(name))
}

// spared says whether a list of hosts, domains, addresses and networks names the URL's host: "*", "host", ".domain", "1.2.3.4", "10.0.0.0/8",
// each but a network also with a port.
func spared(list string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	address, _ := netip.ParseAddr(host)
	for entry := range strings.SplitSeq(strings.ToLower(list), ",") {
		entry = strings.TrimSpace(entry)
		if network, err := netip.ParsePrefix(entry); err == nil {
			if network.Contains(address) {
				return true
			}
			continue
		}
		if name, port, err := net.SplitHostPort(entry); err == nil {
			if port != portOf(u) {
				continue
			}
			entry = name
		}
		domain := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
		if entry == "*" || domain != "" && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return true
		}
	}
	return false
}

// tunnel asks the proxy for a way to addr.
func (p *proxy) tunnel(conn net.Conn, addr string) error {
	if _, err := conn.Write([]byte("CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n" + p.auth + "\r\n")); err != nil {
		return fmt.Errorf("the proxy %s: %w", p.addr, err)
	}
	var header fasthttp.ResponseHeader
	if err := header.Read(bufio.NewReader(conn)); err != nil { // nothing follows on it until we speak again
		return fmt.Errorf("the proxy %s gave no answer: %w", p.addr, err)
	}
	if status := header.StatusCode(); status != fasthttp.StatusOK {
		return fmt.Errorf("the proxy %s answered %d to CONNECT %s", p.addr, status, addr)
	}
	return nil
}
