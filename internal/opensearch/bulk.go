package opensearch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/valyala/fasthttp"
)

// bulkPath asks for no more of each item than is read, and bounds how long OpenSearch waits for
// shards that are not there before it says so: with its own minute the client's patience would be
// over first, and nothing known of the documents beside.
const bulkPath = "/_bulk?timeout=10s&filter_path=items.*._id,items.*.status," +
	"items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"

// Class is what an answer means for the document or the batch that it is about.
type Class uint8

// The classes.
const (
	Delivered Class = iota // it is there, now or from an earlier attempt
	Later                  // not now: the same may be taken later
	Denied                 // whoever asks may not do this
	TooLarge               // it is over the server's limit
	Refused                // it will never be taken as it is
)

// Item is what became of one document.
type Item struct {
	Status int
	Type   string // OpenSearch's name of the error
	Reason string // in words, at most 1 KiB

	// as the server asks in the answer's head, for what may be taken later; 0: it does not
	RetryAfter time.Duration
}

// Errors that OpenSearch names.
const (
	typeBlock    = "cluster_block_exception"
	typeOverload = "rejected_execution_exception"
	typePressure = "circuit_breaking_exception"
	typeNoShards = "unavailable_shards_exception"
	typeNoEvent  = "process_cluster_event_timeout_exception"
)

// Class tells what the item means.
func (i *Item) Class() Class {
	switch {
	case i.Status >= 200 && i.Status < 300, i.Status == fasthttp.StatusConflict:
		return Delivered
	case i.Type == typeBlock, i.Status == fasthttp.StatusTooManyRequests, i.Status >= 500,
		i.Status < 400:
		return Later
	case i.Status == fasthttp.StatusUnauthorized, i.Status == fasthttp.StatusForbidden:
		return Denied
	case i.Status == fasthttp.StatusRequestEntityTooLarge:
		return TooLarge
	default:
		return Refused
	}
}

// Overload reports whether it is the server as a whole that has too much to do, and not one index
// that takes nothing.
func (i *Item) Overload() bool {
	return i.Type == typeOverload || i.Type == "open_search_rejected_execution_exception" ||
		i.Type == typePressure
}

// Stalled reports whether OpenSearch waited for the index, and answered when its patience was over:
// whatever was in the same request waited too.
func (i *Item) Stalled() bool { return i.Type == typeNoShards || i.Type == typeNoEvent }

// StatusError is an answer other than 200 to a whole request.
type StatusError struct {
	Status int
	// OpenSearch's name of the error, empty where the answer is not OpenSearch's
	Type       string
	Reason     string        // in words, at most 1 KiB
	RetryAfter time.Duration // as the server asks; 0: it does not
}

// Error returns the status and the reason.
func (e *StatusError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("answered %d", e.Status)
	}
	return fmt.Sprintf("answered %d: %s", e.Status, e.Reason)
}

// Class tells what the answer means for the whole batch: Refused only where OpenSearch itself says
// that it is the request's fault.
func (e *StatusError) Class() Class {
	item := Item{Status: e.Status, Type: e.Type}
	class := item.Class()
	if class == Refused && (e.Type == "" || e.Status != fasthttp.StatusBadRequest) ||
		class == Delivered {
		return Later
	}
	return class
}

// Bulk sends a batch, and returns what became of each document as the answer tells it; those told
// of before an error are told for good. The error is a *StatusError for an answer that is about the
// whole batch, an *AnswerError for nonsense, else what kept the answer from coming.
func (c *Client) Bulk(ctx context.Context, b *Batch, each func(i int, item Item)) error {
	r := &request{
		method:      fasthttp.MethodPost,
		path:        bulkPath,
		contentType: "application/x-ndjson",
		gzipped:     true,
		body:        b.finish(),
	}
	return c.roundTrip(ctx, r, func(response *fasthttp.Response) error {
		if response.StatusCode() != fasthttp.StatusOK {
			return c.readStatus(response)
		}
		asked := retryAfter(response, time.Now())
		return readItems(bodyOf(response), b.ids, func(i int, item Item) {
			if item.Class() == Later {
				item.RetryAfter = asked
			}
			item.Reason = c.conceal.Replace(item.Reason)
			each(i, item)
		})
	})
}

// readStatus makes an error of an answer. What is no error of OpenSearch's own is shown as it came.
func (c *Client) readStatus(response *fasthttp.Response) error {
	e := &StatusError{Status: response.StatusCode(), RetryAfter: retryAfter(response, time.Now())}
	body, err := io.ReadAll(io.LimitReader(bodyOf(response), maxBodyBytes))
	if err != nil && len(body) == 0 {
		return e // the status alone tells enough
	}
	e.Type, e.Reason = Explain([]byte(c.conceal.Replace(string(body))))
	return e
}

// Explain reads an error of OpenSearch's: its name for it, and the words. What is something else is
// given as words, cut short.
func Explain(body []byte) (kind, reason string) {
	var told struct {
		Error errorBody `json:"error"`
	}
	if json.Unmarshal(body, &told) == nil && told.Error.Type != "" {
		return told.Error.Type, told.Error.text()
	}
	return "", clip(oneLine(body), 200)
}
