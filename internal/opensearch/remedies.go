package opensearch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"
)

// What to do where a step of a check is not well.

const (
	beginWithHTTPS = "the port speaks TLS: begin the endpoint in opensearch_domain_endpoint with https://"
	checkAddress   = "check the address and the path in opensearch_domain_endpoint, and what " +
		"stands before OpenSearch there"
)

// proxyName is the proxy's address, for a message.
func (e *endpoint) proxyName() string {
	if e.proxy == nil {
		return "before " + e.name
	}
	return e.proxy.addr
}

func remedyOfProxy(e *endpoint, err error) string {
	variable := "the proxy variable"
	if e.proxy != nil {
		variable = e.proxy.variable
	}
	status := 0
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		status = refused.Status
	}
	switch {
	case status == fasthttp.StatusProxyAuthRequired:
		return "the proxy wants credentials: write " + variable + " in the agent's environment as http://user:password@host:port, and restart the agent"
	case status >= fasthttp.StatusInternalServerError:
		return "the proxy does not get to the endpoint: check opensearch_domain_endpoint, that " +
			"OpenSearch runs, and the way from the proxy to it"
	case status != 0:
		return fmt.Sprintf("let the proxy allow connections to %s, or name %s in no_proxy in the "+
			"agent's environment and restart the agent", e.addr, e.server)
	}
	return fmt.Sprintf("check %s in the agent's environment and that the proxy runs, or name %s "+
		"in no_proxy; then restart the agent", variable, e.server)
}

// remedyOfTLS tells what of a handshake failed: the trust in the certificate, its name or time, or
// TLS as such.
func remedyOfTLS(err error) string {
	const pin = ", or set opensearch_fingerprint to the certificate's SHA-256"
	if _, pinned := errors.AsType[*PinError](err); pinned {
		return "if the server's certificate was replaced on purpose, set opensearch_fingerprint " +
			"to the new one"
	}
	if _, file := errors.AsType[*CAFileError](err); file {
		return "set opensearch_ca_file to a PEM file on the agent's host that the agent may read"
	}
	if _, record := errors.AsType[tls.RecordHeaderError](err); record {
		return "the port does not speak TLS: begin the endpoint in opensearch_domain_endpoint with http://, or name the port that does"
	}
	if _, name := errors.AsType[x509.HostnameError](err); name {
		return "name the server in opensearch_domain_endpoint as its certificate does" + pin
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok &&
		invalid.Reason == x509.Expired {
		return "renew the server's certificate, and check this host's clock"
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return "set opensearch_ca_file to the PEM file of the authority that signed the server's " +
			"certificate" + pin
	}
	return "the server ended the handshake, or does not answer it: check that the port speaks " +
		"TLS and not plain HTTP, and see the server's own log"
}

// remedyOfSilence is for an endpoint that gave no answer which HTTP knows.
func (c *Client) remedyOfSilence(ctx context.Context, e *endpoint, err error) string {
	switch {
	case isTimeout(err):
		return "something takes connections there and does not answer: check the port, and " +
			"whether OpenSearch has too much to do"
	case c.speaksTLS(ctx, e):
		return beginWithHTTPS
	default:
		return "something answers there that does not speak HTTP: " + checkAddress
	}
}

func remedyOfStatus(status int) string {
	switch {
	case status == fasthttp.StatusTooManyRequests, status >= fasthttp.StatusInternalServerError:
		return "OpenSearch, or what stands before it, is not ready: see its own log"
	default:
		return checkAddress
	}
}

// remedyOfBulk is for a test that failed as a whole.
func remedyOfBulk(err error) string {
	status, answered := errors.AsType[*StatusError](err)
	_, strange := errors.AsType[*AnswerError](err)
	switch {
	case strange:
		return "what answers there is not OpenSearch's _bulk: " + checkAddress
	case !answered:
		return "OpenSearch, or what stands before it, ends or does not answer requests that " +
			"write: see its own log"
	case status.Class() == Denied:
		return "the user needs the permission indices:data/write/bulk for the cluster"
	case status.Class() == TooLarge:
		return "what stands before OpenSearch takes only tiny requests: raise its limit"
	case status.Class() == Refused:
		return "see the reason"
	default:
		return remedyOfStatus(status.Status)
	}
}

func remedyOfItem(item *Item) string {
	switch {
	case item.Class() == Denied:
		return "give the user's role crud and create_index for this index"
	case item.Type == typeBlock:
		return "lift the block of the index or the cluster; a full disk sets one"
	case item.Class() == Later:
		return "wait, or see what keeps the cluster busy"
	default:
		return "see the reason; gustyctl opensearch setup installs the index templates"
	}
}
