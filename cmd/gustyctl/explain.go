package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"

	"gusty/cmd/gustyctl/internal/exit"
)

// explain turns an error of the transport into one sentence that says what to do next.
func explain(err error, t target) error {
	switch {
	case errors.Is(err, context.Canceled):
		return &exit.Error{
			Code:  exit.Failed,
			Text:  "interrupted; what the agent was asked to do may still go on there",
			Cause: err,
		}
	case isRefused(err):
		return explainRefused(t)
	case isTimeout(err):
		return exit.Unreachablef(
			"%s did not answer in time (%w); check the address, firewalls and the agent's log",
			t.url, innermost(err))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return exit.Unreachablef("%s closed the connection in the middle; the outcome is unknown, "+
			"look at the agent's log", t.url)
	}
	if sentence := explainTLS(err, t); sentence != nil {
		return sentence
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return exit.Unreachablef("the host %s is not known (%s); check the address", dns.Name,
			dns.Err)
	}
	return exit.Unreachablef("cannot reach %s: %w; check the address and the network", t.url,
		innermost(err))
}

// explainRefused knows the two cases of a connection that nobody takes: the agent is not running,
// or it is not at that address.
func explainRefused(t target) error {
	if t.dir == "" {
		return exit.Unreachablef(
			"nothing listens at %s; check the address, and that the agent runs",
			t.url)
	}
	if !t.dir.alive() {
		return exit.Unreachablef("the agent of %s is not running; %s", t.dir, howToStart)
	}
	return exit.Unreachablef(
		"the agent of %s runs, but does not listen at %s; it may be starting or "+
			"stopping: look at its log", t.dir, t.url)
}

// explainTLS returns nil where err is none of TLS.
func explainTLS(err error, t target) error {
	if pin, ok := errors.AsType[*pinError](err); ok {
		return exit.Unreachablef(
			"the certificate of %s is not the pinned one, its fingerprint is %s; "+
				"pin that one only if the agent's host shows the "+
				"same (it changes when the certificate is renewed), or use --ca", t.url,
			formatFingerprint(pin.got))
	}
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return exit.Unreachablef(
			"the certificate of %s is for other names (%v); use one of its names "+
				"in --url, or pin it with --fingerprint",
			t.url, certificateNames(name.Certificate))
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok &&
		invalid.Reason == x509.Expired {
		return exit.Unreachablef(
			"the certificate of %s has expired or is not valid yet; check both "+
				"clocks, and renew the certificate", t.url)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return exit.Unreachablef("the certificate of %s is not trusted; give the agent's CA "+
			"(tls/ca.pem in its data directory) with --ca, or "+
			"its fingerprint with --fingerprint", t.url)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok ||
		errors.Is(err, http.ErrSchemeMismatch) {
		return exit.Unreachablef("%s does not speak TLS; check the port", t.url)
	}
	return nil
}

func certificateNames(cert *x509.Certificate) []string {
	names := append([]string{}, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || (ok && timeout.Timeout())
}

// innermost returns the error that began the chain: the ones around it repeat the address and name
// system calls.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
