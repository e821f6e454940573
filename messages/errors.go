package messages

import (
	"errors"
	"fmt"
	"time"
)

// Code is the stable, machine-readable name of an expected failure. Clients may compare codes; they
// never compare sentences.
type Code string

// The codes, grouped by what the client can conclude from them.
const (
	// The request is at fault: nothing was done, and the same request will fail again.
	CodeNotJSON Code = "not_json" // 400: the body is no JSON
	// 400: a query parameter is missing or malformed; Field names it
	CodeBadQuery        Code = "bad_query"
	CodeEmptyCommand    Code = "empty_command"   // 400: command/execute with no command
	CodeUnauthenticated Code = "unauthenticated" // 401: no or wrong credentials
	// 403: valid credentials without the scope, or a parameter closed to REST
	CodeForbidden        Code = "forbidden"
	CodeNotFound         Code = "not_found"          // 404: no such thing
	CodeNoSuchRoute      Code = "no_such_route"      // 404: no such path
	CodeMethodNotAllowed Code = "method_not_allowed" // 405: the path exists, the method does not
	CodeExists           Code = "exists"             // 409: created twice
	CodeConflict         Code = "conflict"           // 409: the state forbids it
	CodeNoReleaseSource  Code = "no_release_source"  // 409: self-update is not set up
	CodeTooLarge         Code = "too_large"          // 413: the body is over the limit
	CodeNotJSONType      Code = "not_json_type"      // 415: the Content-Type is not JSON
	// 422: JSON that is not what the route takes; Field names it
	CodeInvalid Code = "invalid"
	// 429: too many failed attempts; RetryAfter says how long
	CodeThrottled Code = "throttled"

	// The agent could not do it now and has done nothing: the same request may work later.
	CodeBusy            Code = "busy"              // 503: a queue is full
	CodeStorageFull     Code = "storage_full"      // 503: no space left on the device
	CodeStorageQuota    Code = "storage_quota"     // 503: the disk quota is used up
	CodeStorageReadOnly Code = "storage_read_only" // 503: the file system is read-only

	// What was stored is not what it was.
	// 500: a run's stored output is damaged; what else there is goes on
	CodeStorageDamaged Code = "storage_damaged"

	// The outcome is unknown: the request may or may not have been carried out.
	CodeUnavailable Code = "unavailable" // 503: the actor is stopped or restarting
	CodeTimeout     Code = "timeout"     // 504: the actor did not answer in time
	CodeInternal    Code = "internal"    // 500: a fault of the agent's own
)

// Error is an expected failure: what a client is told. It never carries internal text, a secret or
// a path that the client did not send.
type Error struct {
	Code Code
	// the request field, parameter or query key at fault; empty where no single one is
	Field      string
	Message    string        // one human sentence, without a final full stop
	RetryAfter time.Duration // when a repeat makes sense; 0 where nothing is known
}

// Error returns the sentence, with the field in front of it where one is at fault.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Errorf makes an Error of the given code with no field.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalidf makes a CodeInvalid error for one field.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Busy is the answer of a full queue; who says whose.
func Busy(who string) *Error {
	return &Error{
		Code:       CodeBusy,
		Message:    who + " is busy; nothing was done",
		RetryAfter: time.Second,
	}
}

// Unavailable is the answer for an actor that is stopped or restarting.
func Unavailable(who string) *Error {
	return &Error{
		Code:       CodeUnavailable,
		Message:    who + " is not available; whether the request was carried out is unknown",
		RetryAfter: time.Second,
	}
}

// AsError returns the *Error in err's chain, or nil.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// CodeOf returns the code of the *Error in err's chain, or CodeInternal for any other non-nil
// error.
func CodeOf(err error) Code {
	if e := AsError(err); e != nil {
		return e.Code
	}
	return CodeInternal
}
