package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// Codes of what never reaches a route: the request could not be read.
const (
	codeBadRequest     messages.Code = "bad_request"      // 400
	codeRequestTimeout messages.Code = "request_timeout"  // 408: nothing was done
	codeHeaderTooLarge messages.Code = "header_too_large" // 431
)

// statusOf is the one table from error code to status.
func statusOf(code messages.Code) int {
	switch code {
	case messages.CodeNotJSON, messages.CodeBadQuery, messages.CodeEmptyCommand, codeBadRequest:
		return http.StatusBadRequest
	case messages.CodeUnauthenticated:
		return http.StatusUnauthorized
	case messages.CodeForbidden:
		return http.StatusForbidden
	case messages.CodeNotFound, messages.CodeNoSuchRoute:
		return http.StatusNotFound
	case messages.CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case codeRequestTimeout:
		return http.StatusRequestTimeout
	case messages.CodeExists, messages.CodeConflict, messages.CodeNoReleaseSource:
		return http.StatusConflict
	case messages.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case messages.CodeNotJSONType:
		return http.StatusUnsupportedMediaType
	case messages.CodeInvalid:
		return http.StatusUnprocessableEntity
	case messages.CodeThrottled:
		return http.StatusTooManyRequests
	case codeHeaderTooLarge:
		return http.StatusRequestHeaderFieldsTooLarge
	case messages.CodeBusy, messages.CodeUnavailable,
		messages.CodeStorageFull, messages.CodeStorageQuota, messages.CodeStorageReadOnly:
		return http.StatusServiceUnavailable
	case messages.CodeTimeout:
		return http.StatusGatewayTimeout
	case messages.CodeInternal, messages.CodeStorageDamaged:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// errorBody is the body of every answer that is an error.
type errorBody struct {
	Success   bool          `json:"success" schema:"const=false"`
	Message   string        `json:"message"`
	Code      messages.Code `json:"code"`
	Field     string        `json:"field,omitempty"`
	RequestID string        `json:"request_id,omitempty"` // of a 500, as in its log line
}

// fail makes err the answer.
func (r *request) fail(err error) {
	e := r.expected(err)
	body := errorBody{Message: e.Message, Code: e.Code, Field: e.Field}
	status := statusOf(e.Code)
	header := &r.http.Response.Header
	switch status {
	case http.StatusInternalServerError:
		r.hidden, body.RequestID = err, r.id.String()
	case http.StatusUnauthorized:
		header.Set(fasthttp.HeaderWWWAuthenticate, `Basic realm="gusty", charset="UTF-8"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		header.Set(fasthttp.HeaderRetryAfter, retryAfter(e.RetryAfter))
	}
	if status == http.StatusGatewayTimeout || status == http.StatusServiceUnavailable {
		r.hidden = err
	}
	if encodeErr := r.json(status, body); encodeErr != nil {
		// an errorBody can always be encoded; do not lose the status if not
		r.http.SetStatusCode(status)
	}
}

// expected returns what the client is told of err. Internal text stays inside.
func (r *request) expected(err error) *messages.Error {
	switch e := messages.AsError(err); {
	case e != nil && e.Code != messages.CodeInternal:
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return messages.Errorf(messages.CodeTimeout,
			"the agent did not answer in time; whether the request was carried out is unknown")
	case errors.Is(err, context.Canceled):
		return messages.Unavailable("the agent is stopping and")
	}
	return messages.Errorf(messages.CodeInternal,
		"a fault of the agent's own; its log has more under this request_id")
}

// retryAfter returns whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(max(int64((d+time.Second-1)/time.Second), 1), 10)
}

// json makes v the answer's body.
func (r *request) json(status int, v any) error {
	r.http.Response.ResetBody()
	encoder := json.NewEncoder(r.http) // a RequestCtx writes to its answer's body
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	r.http.SetStatusCode(status)
	r.http.SetContentType(mediaJSON)
	return nil
}

// bytes makes body the answer, as it is.
func (r *request) bytes(contentType string, body []byte) error {
	r.http.SetContentType(contentType)
	r.http.SetBody(body)
	return nil
}

// ok answers 200 with v.
func (r *request) ok(v any) error { return r.json(http.StatusOK, v) }

const (
	mediaJSON   = "application/json"
	mediaText   = "text/plain; charset=utf-8"
	mediaNDJSON = "application/x-ndjson"
)

// handleUnreadable answers what fasthttp could not read as a request, in the shape of every other
// error, and closes the connection.
func (s *Server) handleUnreadable(ctx *fasthttp.RequestCtx, err error) {
	r, c := s.admitted(ctx)
	defer s.freeRequest(r)
	if c.below != nil {
		c.below.linger.Store(true)
	}
	r.dropBody()
	c.drop(&c.body)
	r.fail(unreadable(err))
	r.finish()
}

func unreadable(err error) *messages.Error {
	var small *fasthttp.ErrSmallBuffer
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return tooLarge()
	case errors.As(err, &small):
		return messages.Errorf(codeHeaderTooLarge,
			"the request line and the headers together are too large")
	case errors.As(err, &timeout) && timeout.Timeout():
		return messages.Errorf(codeRequestTimeout,
			"the request did not come in time; nothing was done")
	}
	return messages.Errorf(codeBadRequest, "this is not a well-formed HTTP request")
}

func tooLarge() *messages.Error {
	return messages.Errorf(messages.CodeTooLarge, "the body is too large: 64 KiB at most, "+
		"1 MiB for a script and 16 MiB for an import, without valid credentials 4 KiB; "+
		"gustyctl import takes more with the agent stopped")
}
