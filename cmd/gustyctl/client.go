package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/outfile"
)

const (
	// connectTimeout bounds the connection, and then its TLS handshake.
	connectTimeout = 10 * time.Second
	// requestTimeout bounds a request that the agent answers from memory or after one commit; its
	// own deadline is shorter.
	requestTimeout = 30 * time.Second
	// maxAnswerBytes bounds an answer that is read into memory: a script of 1 MiB, or 1,000 runs,
	// with room to spare.
	maxAnswerBytes = 64 << 20
)

// client talks to one agent.
type client struct {
	target target
	http   *http.Client
}

// request is one call. Body is marshalled as JSON where it is not nil.
type request struct {
	method string
	path   string
	query  url.Values
	body   any
	// lines are sent as they are, as lines of JSON.
	lines []byte
	// patient requests wait for a command or a script: for as long as it runs.
	patient bool
}

// answer is what came back with a status below 400.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newClient(t target) *client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:     t.trust.config(),
		TLSHandshakeTimeout: connectTimeout,
	}
	return &client{
		target: t,
		http:   &http.Client{Transport: transport, CheckRedirect: refuseRedirect},
	}
}

// refuseRedirect keeps credentials from following a redirection: no agent sends one.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// call sends req and reads the whole answer. A status of 400 and above is an error.
func (c *client) call(ctx context.Context, req request) (*answer, error) {
	if !req.patient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	response, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, explain(err, c.target)
	}
	if len(body) > maxAnswerBytes {
		return nil,
			exit.Failedf("the answer to %s %s is over %d bytes", req.method, req.path,
				maxAnswerBytes)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(response, body, c.target)
	}
	return &answer{status: response.StatusCode, header: response.Header, body: body}, nil
}

// open sends req and returns the answer, whose body the caller reads and closes. A status of 300
// and above is an error.
func (c *client) open(ctx context.Context, req request) (*http.Response, error) {
	response, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = response.Body.Close() }() // the body is read
		// the status alone makes a sentence too
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
		return nil, refusal(response, body, c.target)
	}
	return response, nil
}

// copy sends req and copies the answer to w as it comes.
func (c *client) copy(ctx context.Context, req request, w io.Writer) error {
	response, err := c.open(ctx, req)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	return c.copyBody(outfile.Named("standard output", w), response)
}

// copyBody copies an answer to w, and tells an error of w, a *outfile.WriteError, from one of the
// connection.
func (c *client) copyBody(w io.Writer, response *http.Response) error {
	_, err := io.Copy(w, response.Body)
	if _, writing := errors.AsType[*outfile.WriteError](err); writing {
		return explainWrite(err)
	}
	if err != nil {
		return explain(err, c.target)
	}
	return nil
}

func (c *client) send(ctx context.Context, req request) (*http.Response, error) {
	message, err := c.message(ctx, req)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(message)
	if err != nil {
		return nil, explain(err, c.target)
	}
	return response, nil
}

func (c *client) message(ctx context.Context, req request) (*http.Request, error) {
	address := *c.target.url
	address.Path += req.path
	address.RawQuery = req.query.Encode()
	var body io.Reader
	if req.body != nil {
		data, err := json.Marshal(req.body)
		if err != nil {
			return nil,
				exit.Failedf("cannot write the body of %s %s: %w", req.method, req.path, err)
		}
		body = bytes.NewReader(data)
	}
	if req.lines != nil {
		body = bytes.NewReader(req.lines)
	}
	message, err := http.NewRequestWithContext(ctx, req.method, address.String(), body)
	if err != nil {
		return nil, exit.Failedf("cannot make the request %s %s: %w", req.method, req.path, err)
	}
	message.SetBasicAuth(c.target.user, c.target.password.Reveal())
	message.Header.Set("User-Agent", "gustyctl/"+thisBuild().Version)
	switch {
	case req.lines != nil:
		message.Header.Set("Content-Type", "application/x-ndjson")
	case body != nil:
		message.Header.Set("Content-Type", "application/json")
	}
	return message, nil
}

// get is the request for most reads; pairs are query names and values, of which those with an empty
// value are left out.
func get(path string, pairs ...string) request {
	return request{method: http.MethodGet, path: path, query: query(pairs...)}
}

func put(path string, body any) request {
	return request{method: http.MethodPut, path: path, body: body}
}

func query(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return values
}

// decode reads the answer into v.
func (r *answer) decode(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return strange(err)
	}
	return nil
}

// Fields reads the answer as an object of which every member is wanted, in the agent's order.
func (r *answer) Fields() ([]field, error) {
	fields, err := fieldsOf(r.body)
	if err != nil {
		return nil, strange(err)
	}
	return fields, nil
}

func strange(err error) error {
	return exit.Failedf("the answer is not what an agent sends (%w); is this address an agent's?",
		err)
}

// sentence returns the text of a bare JSON string or the message of an Exec, and whatever else it
// is as it came.
func (r *answer) sentence() string {
	var text string
	if json.Unmarshal(r.body, &text) == nil {
		return text
	}
	var exec struct{ Message *string }
	if json.Unmarshal(r.body, &exec) == nil && exec.Message != nil {
		return *exec.Message
	}
	return string(r.body)
}
