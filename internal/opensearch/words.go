package opensearch

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// wordedError says in words what an error of a library is, which it wraps.
type wordedError struct {
	words string
	err   error
}

func (e *wordedError) Error() string { return e.words }
func (e *wordedError) Unwrap() error { return e.err }

// inWords says what the end of a connection or of the patience is; how it ended is at hand for
// errors.Is. Other errors stay as they are.
func inWords(err error) error {
	var words string
	switch {
	case isTimeout(err):
		words = "no whole answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		words = "the connection was closed before the whole answer was there"
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, net.ErrClosed):
		words = "the connection was cut while a request was under way"
	default:
		return err
	}
	return &wordedError{words, err}
}

// unconnected says why there is no connection. What a proxy did is said already.
func unconnected(err error) error {
	if _, said := errors.AsType[*ProxyError](err); said {
		return err
	}
	if isTimeout(err) {
		return &wordedError{"no connection within " + connectTimeout.String(), err}
	}
	dial, ok := errors.AsType[*net.OpError](err)
	if !ok || dial.Op != "dial" || dial.Addr == nil {
		return err
	}
	cause := dial.Err
	if call, ok := errors.AsType[*os.SyscallError](cause); ok {
		cause = call.Err
	}
	return &wordedError{"no connection to " + dial.Addr.String() + ": " + cause.Error(), err}
}

// noHTTP says that what came is not the head of an answer, unless it is the connection that failed.
func noHTTP(err error) error {
	_, network := errors.AsType[net.Error](err)
	if err == nil || network || isTimeout(err) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return nonsense("no head of HTTP")
}
