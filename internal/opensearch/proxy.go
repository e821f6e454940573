package opensearch

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// proxy is an HTTP proxy that stands before an endpoint.
type proxy struct {
	addr     string
	auth     string // a whole header line, or empty
	variable string // of the environment, that names it
}

// ProxyError says what went wrong at a proxy, or what it answered to CONNECT.
type ProxyError struct {
	Status int // 0: it gave no answer
	text   string
	err    error
}

// Error names the proxy.
func (e *ProxyError) Error() string { return e.text }

// Unwrap returns what kept an answer from coming.
func (e *ProxyError) Unwrap() error { return e.err }

func (p *proxy) failed(err error) error {
	return &ProxyError{text: "the proxy " + p.addr + ": " + err.Error(), err: err}
}

// EnvironmentError says that a variable of the environment names no proxy that can be used.
type EnvironmentError struct{ Variable string }

// Error names the variable.
func (e *EnvironmentError) Error() string {
	return "the environment variable " + e.Variable + " needs http://host:port; other kinds of proxies are not supported"
}

// proxyFor returns the proxy that the environment names for a URL: http_proxy or https_proxy by its
// scheme, or all_proxy; nil where there is none or no_proxy names the host. Upper-case names are
// taken too, but for HTTP_PROXY in a CGI script's place (REQUEST_METHOD is set there).
func proxyFor(getenv func(string) string, u *url.URL) (*proxy, error) {
	if getenv == nil || spared(getEither(getenv, "no_proxy"), u) {
		return nil, nil
	}
	name, value := proxyVariable(getenv, u.Scheme)
	if value == "" {
		return nil, nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	p, err := url.Parse(value)
	if err != nil || p.Host == "" || p.Scheme != "http" {
		return nil, &EnvironmentError{Variable: name}
	}
	found := &proxy{addr: net.JoinHostPort(p.Hostname(), portOf(p)), variable: name}
	if p.User != nil {
		password, _ := p.User.Password()
		found.auth = "Proxy-Authorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(p.User.Username()+":"+password)) + "\r\n"
	}
	return found, nil
}

// proxyVariable returns the first variable that is set of those that name a proxy for a scheme.
func proxyVariable(getenv func(string) string, scheme string) (name, value string) {
	names := []string{
		scheme + "_proxy", strings.ToUpper(scheme + "_proxy"), "all_proxy",
		"ALL_PROXY",
	}
	if scheme == "http" && getenv("REQUEST_METHOD") != "" {
		names = slices.Delete(names, 1, 2)
	}
	for _, name := range names {
		if value := getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

func getEither(getenv func(string) string, name string) string {
	if value := getenv(name); value != "" {
		return value
	}
	return getenv(strings.ToUpper(name))
}

// spared reports whether a list of hosts, domains, addresses and networks names the URL's host:
// "*", "host", ".domain", "1.2.3.4", "10.0.0.0/8", each but a network also with a port.
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
	if _, err := conn.Write([]byte("CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n" +
		p.auth + "\r\n")); err != nil {
		return p.failed(inWords(err))
	}
	var header fasthttp.ResponseHeader
	if err := header.Read(bufio.NewReader(conn)); err != nil {
		// nothing follows on it until we speak again
		return p.failed(inWords(noHTTP(err)))
	}
	if status := header.StatusCode(); status != fasthttp.StatusOK {
		return &ProxyError{
			Status: status,
			text:   fmt.Sprintf("the proxy %s answered %d to CONNECT %s", p.addr, status, addr),
		}
	}
	return nil
}
