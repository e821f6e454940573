package contract

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"gusty/test/agent"
)

// document is the OpenAPI document that the agent serves, and what was asked of it so far.
type document struct {
	spec   *openapi3.T
	router routers.Router

	mu   sync.Mutex
	good map[string]bool // "GET /agent/status": was answered below 400
	bad  map[string]bool // was answered at or above 400
}

func loadDocument(t *testing.T, client *agent.Client) *document {
	t.Helper()
	body, err := client.Want(t.Context(), http.StatusOK, http.MethodGet, "/agent/openapi.json", "")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(body)
	if err != nil {
		t.Fatalf("/agent/openapi.json does not load: %v", err)
	}
	if !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("the document is OpenAPI %s, not 3.1", spec.OpenAPI)
	}
	if err := spec.Validate(t.Context()); err != nil {
		t.Fatalf("/agent/openapi.json is not valid: %v", err)
	}
	spec.Servers = nil // paths alone decide which operation answers
	router, err := legacy.NewRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &document{spec: spec, router: router, good: map[string]bool{}, bad: map[string]bool{}}
}

// allows checks an answer: its operation, status, content type and body must stand in the document.
// Answers to what has no operation (404 of an unknown path, 405) can only have the error shape.
func (d *document) allows(t *testing.T, answer *agent.Answer) {
	t.Helper()
	where := answer.Request.Method + " " + answer.Request.URL.RequestURI()
	if answer.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: the answer has no X-Request-Id", where)
	}
	request := answer.Request.Clone(context.Background())
	head := request.Method == http.MethodHead
	if head {
		request.Method = http.MethodGet
	}
	route, parameters, err := d.router.FindRoute(request)
	if err == nil && strings.HasSuffix(request.URL.Path, "/") {
		// the validator's router overlooks it
		err = &routers.RouteError{Reason: "no path ends in a slash"}
	}
	if err != nil {
		requireNoOperation(t, where, answer, err)
		return
	}
	d.note(route.Method+" "+route.Path, answer.Status)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request:    request,
			Route:      route,
			PathParams: parameters,
		},
		Status: answer.Status,
		Header: answer.Header,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			ExcludeResponseBody:   head,
		},
	}
	input.SetBodyBytes(answer.Body)
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("%s: the document does not allow this answer (%d, %s): %v\n%s",
			where, answer.Status, answer.Header.Get("Content-Type"), err, answer.Body)
	}
}

func requireNoOperation(t *testing.T, where string, answer *agent.Answer, err error) {
	t.Helper()
	var routeError *routers.RouteError
	if !errors.As(err, &routeError) {
		t.Errorf("%s: %v", where, err)
	}
	if answer.Status != http.StatusNotFound && answer.Status != http.StatusMethodNotAllowed {
		t.Errorf("%s is not in the document (%v) and was answered %d: %s", where, err,
			answer.Status, answer.Body)
	}
	if answer.Request.Method != http.MethodHead {
		requireError(t, where, answer, "", "")
	}
}

func (d *document) note(operation string, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if status < http.StatusBadRequest {
		d.good[operation] = true
	} else {
		d.bad[operation] = true
	}
}

// operations lists every operation of the document, as "GET /agent/status", in order.
func (d *document) operations() []string {
	var all []string
	for path, item := range d.spec.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// plainText makes the validator read text as what it is.
func plainText(body io.Reader, _ http.Header, _ *openapi3.SchemaRef,
	_ openapi3filter.EncodingFn,
) (any, error) {
	data, err := io.ReadAll(body)
	return string(data), err
}

// firstLine makes the validator check the first of many lines of JSON.
func firstLine(body io.Reader, _ http.Header, _ *openapi3.SchemaRef,
	_ openapi3filter.EncodingFn,
) (any, error) {
	var line any
	err := json.NewDecoder(body).Decode(&line)
	return line, err
}

// errorBody is the one shape of every answer at or above 400.
type errorBody struct {
	Success   *bool  `json:"success"`
	Message   string `json:"message"`
	Code      string `json:"code"`
	Field     string `json:"field"`
	RequestID string `json:"request_id"`
}

// requireError checks the error shape, and the code and the field where they are given.
func requireError(t *testing.T, where string, answer *agent.Answer, code, field string) {
	t.Helper()
	var e errorBody
	if err := json.Unmarshal(answer.Body, &e); err != nil {
		t.Errorf("%s: the error answer is not JSON: %v: %q", where, err, answer.Body)
		return
	}
	if e.Success == nil || *e.Success || e.Message == "" || e.Code == "" {
		t.Errorf("%s: an error answer needs success false, a message and a code: %s", where,
			answer.Body)
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%s: an error answer is JSON, and this one says %q", where,
			answer.Header.Get("Content-Type"))
	}
	if code != "" && e.Code != code {
		t.Errorf("%s: code is %q, want %q: %s", where, e.Code, code, answer.Body)
	}
	if field != "" && e.Field != field {
		t.Errorf("%s: field is %q, want %q: %s", where, e.Field, field, answer.Body)
	}
}
