package api

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// handle answers one request, whatever happens: a panic that left a handler would end the process.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	r, c := s.admitted(ctx)
	defer s.freeRequest(r)
	defer r.leave()
	r.carryOut()
	r.dropBody()
	r.holdAnswer(c)
	c.drop(&c.body)
	r.finish()
}

// admitted returns the request that admit has judged, or a new one where there was no body to judge
// it for.
func (s *Server) admitted(ctx *fasthttp.RequestCtx) (*request, *secureConn) {
	c, ok := ctx.Conn().(*secureConn)
	if !ok {
		c = &secureConn{} // never: the listener makes no other
	}
	r := c.admitted
	if c.admitted = nil; r == nil {
		r = s.newRequest(ctx)
	}
	return r, c
}

// carryOut takes the request through every step. What goes wrong becomes the answer.
func (r *request) carryOut() {
	defer func() {
		if p := recover(); p != nil {
			r.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := r.steps(); err != nil {
		r.fail(err)
	}
}

func (r *request) steps() error {
	if !r.judged {
		r.refused = r.admission()
	}
	if r.refused != nil {
		return r.refused
	}
	if r.server.answers.exhausted() {
		return messages.Busy("the memory for answers")
	}
	if err := r.checkBody(); err != nil {
		return err
	}
	if err := r.enterGathering(); err != nil {
		return err
	}
	defer r.noteChange()
	return r.route.handle(r)
}

// admission takes the request through the steps that need no body.
func (r *request) admission() error {
	if err := r.find(); err != nil {
		return err
	}
	if r.server.stopping.Load() {
		r.http.SetConnectionClose()
		return messages.Unavailable("the agent is stopping and")
	}
	if err := r.authorize(); err != nil {
		return err
	}
	return r.checkQuery()
}

// enterGathering waits for a place where the answer is put together from much: it may take
// megabytes until it is there.
func (r *request) enterGathering() (err error) {
	if r.route.gathers {
		r.leaveGathering, err = r.server.gathering.enter(r.server.ctx)
	}
	return err
}

// leave frees the place.
func (r *request) leave() {
	if r.leaveGathering != nil {
		r.leaveGathering()
		r.leaveGathering = nil
	}
}

// find looks up the route.
func (r *request) find() error {
	resource, param := r.server.table.find(r.http.Path())
	if resource == nil {
		return messages.Errorf(messages.CodeNoSuchRoute,
			"there is no such path; GET /agent/openapi.json lists all")
	}
	route := resource.route(r.http.Method())
	if route == nil {
		r.http.Response.Header.Set(fasthttp.HeaderAllow, resource.allow)
		return messages.Errorf(messages.CodeMethodNotAllowed, "this path takes %s", resource.allow)
	}
	r.route, r.param = route, param
	return nil
}

// authorize checks the credentials and the scope that the route asks for.
func (r *request) authorize() error {
	if r.route.Open {
		return nil
	}
	if r.crossSite() {
		return messages.Errorf(messages.CodeForbidden,
			"a page of another site may change nothing here")
	}
	user, err := r.server.auth.verify(r.server.ctx, r.authorization(), r.remote(), r.start)
	if err != nil {
		return err
	}
	r.user = user
	if !user.Has(r.route.Scope) {
		return messages.Errorf(messages.CodeForbidden,
			"this needs the scope %q, which the user does not have", r.route.Scope)
	}
	return nil
}

// authorization returns the request's Authorization header; of two, which one is meant nobody can
// know, so it is none then.
func (r *request) authorization() []byte {
	if all := r.http.Request.Header.PeekAll(fasthttp.HeaderAuthorization); len(all) == 1 {
		return all[0]
	}
	return nil
}

// crossSite reports whether a browser sends a change for a page of another site: it would add the
// credentials that it remembers. Browsers say so themselves (Fetch Metadata,
// https://www.w3.org/TR/fetch-metadata/), and no page can keep them from it.
func (r *request) crossSite() bool {
	site := r.http.Request.Header.Peek("Sec-Fetch-Site")
	return r.route.Method != fasthttp.MethodGet && len(site) > 0 && string(site) != "same-origin" &&
		string(site) != "none"
}

// checkBody refuses what is not JSON before anything reads it, where the route takes a body at all;
// and a body with anything in it where an added one takes none.
func (r *request) checkBody() error {
	if r.route.refusesBody() && len(r.http.PostBody()) > 0 {
		return r.decode(&struct{}{})
	}
	if r.route.Body == nil {
		return nil
	}
	if media := r.route.bodyMedia(); !isOneOf(r.http.Request.Header.ContentType(), media) {
		return messages.Errorf(messages.CodeNotJSONType, "the body must come with Content-Type: %s",
			strings.Join(media, " or "))
	}
	if encoding := r.http.Request.Header.Peek(fasthttp.HeaderContentEncoding); len(encoding) > 0 &&
		!bytes.EqualFold(encoding, []byte("identity")) {
		return messages.Errorf(messages.CodeNotJSONType,
			"the body must come without Content-Encoding")
	}
	return nil
}

// isOneOf reports whether a Content-Type is one of media, whatever its parameters are.
func isOneOf(contentType []byte, media []string) bool {
	kind, _, _ := bytes.Cut(contentType, []byte{';'})
	return slices.ContainsFunc(media, func(m string) bool {
		return strings.EqualFold(string(bytes.TrimSpace(kind)), m)
	})
}

// noteChange makes what was rendered before stale, also where the outcome is unknown.
func (r *request) noteChange() {
	if r.route.Method != fasthttp.MethodGet {
		r.server.changes.Add(1)
	}
}

// place is where the request counts.
func (r *request) place() int {
	if r.route == nil {
		return len(r.server.table.routes)
	}
	return r.route.place
}

// holdAnswer takes room for an answer that is large, until the client has it. Where there is none,
// the answer to a GET is that; any other request was carried out, and its answer takes the room of
// those to come. That of an import keeps the import's place.
func (r *request) holdAnswer(c *secureConn) {
	response := &r.http.Response
	if r.route == nil || response.IsBodyStream() || len(response.Body()) <= smallAnswer {
		return
	}
	if r.route.imports {
		c.hold(&c.answer, c.body.Swap(nil))
		return
	}
	held := r.server.answers.take(len(response.Body()), false)
	if held == nil && r.route.Method == fasthttp.MethodGet {
		response.SwapBody(nil)
		r.fail(messages.Busy("the memory for answers"))
		return
	}
	if held == nil {
		held = r.server.answers.overdraw(len(response.Body()))
	}
	c.hold(&c.answer, held)
}

// smallAnswer is the size up to which answers are not counted.
const smallAnswer = 8 << 10

// finish adds what every answer has, and writes the request down.
func (r *request) finish() {
	h := &r.http.Response.Header
	h.SetBytesV("X-Request-Id", r.id[:])
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	took := time.Since(r.start)
	r.server.stats.count(r.place(), r.http.Response.StatusCode(), took)
	r.server.noteWork(1)
	r.log(took)
}

// noteWork counts what grows the heap, for who decides when memory is given back.
func (s *Server) noteWork(units int) {
	if s.options.Activity != nil {
		s.options.Activity.Add(uint64(max(units, 0)))
	}
}
