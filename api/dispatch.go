package api

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// handle answers one request, whatever happens: a panic that left a handler would end the process.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	r := s.newRequest(ctx)
	defer s.freeRequest(r)
	r.carryOut()
	r.finish()
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
	if err := r.checkQuery(); err != nil {
		return err
	}
	if err := r.checkBody(); err != nil {
		return err
	}
	defer r.noteChange()
	return r.route.handle(r)
}

// find looks up the route.
func (r *request) find() error {
	resource, param := r.server.table.find(r.http.Path())
	if resource == nil {
		return messages.Errorf(messages.CodeNoSuchRoute, "there is no such path; GET /agent/openapi.json lists all")
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
		return messages.Errorf(messages.CodeForbidden, "a page of another site may change nothing here")
	}
	user, err := r.server.auth.verify(r.server.ctx, r.http.Request.Header.Peek(fasthttp.HeaderAuthorization), r.remote(), r.start)
	if err != nil {
		return err
	}
	r.user = user
	if !user.Has(r.route.Scope) {
		return messages.Errorf(messages.CodeForbidden, "this needs the scope %q, which the user does not have", r.route.Scope)
	}
	return nil
}

// crossSite says whether a browser sends a change for a page of another site: it would add the credentials that it remembers. Browsers say so
// themselves (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/), and no page can keep them from it.
func (r *request) crossSite() bool {
	site := r.http.Request.Header.Peek("Sec-Fetch-Site")
	return r.route.Method != fasthttp.MethodGet && len(site) > 0 && string(site) != "same-origin" && string(site) != "none"
}

// checkBody refuses what is not JSON before anything reads it, where the route takes a body at all; and a body with anything in it where an added one
// takes none.
func (r *request) checkBody() error {
	if r.route.refusesBody() && len(r.http.PostBody()) > 0 {
		return r.decode(&struct{}{})
	}
	if r.route.Body == nil {
		return nil
	}
	if media := r.route.bodyMedia(); !isOneOf(r.http.Request.Header.ContentType(), media) {
		return messages.Errorf(messages.CodeNotJSONType, "the body must come with Content-Type: %s", strings.Join(media, " or "))
	}
	if encoding := r.http.Request.Header.Peek(fasthttp.HeaderContentEncoding); len(encoding) > 0 && !bytes.EqualFold(encoding, []byte("identity")) {
		return messages.Errorf(messages.CodeNotJSONType, "the body must come without Content-Encoding")
	}
	return nil
}

// isOneOf says whether a Content-Type is one of media, whatever its parameters are.
func isOneOf(contentType []byte, media []string) bool {
	kind, _, _ := bytes.Cut(contentType, []byte{';'})
	return slices.ContainsFunc(media, func(m string) bool { return strings.EqualFold(string(bytes.TrimSpace(kind)), m) })
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

// finish adds what every answer has, and writes the request down.
func (r *request) finish() {
	h := &r.http.Response.Header
	h.SetBytesV("X-Request-Id", r.id[:])
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	took := time.Since(r.start)
	r.server.stats.count(r.place(), r.http.Response.StatusCode(), took)
	if r.server.options.Activity != nil {
		r.server.options.Activity.Add(1)
	}
	r.log(took)
}

// grant decides, when only the header is there, how large a body may be and how long the answer may take: a large body only for a script that
// comes with credentials which hold. The address is not known here; the throttles of the user and of all hold nevertheless.
func (s *Server) grant(h *fasthttp.RequestHeader) (config fasthttp.RequestConfig) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic while a header was judged", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			config = fasthttp.RequestConfig{}
		}
	}()
	path, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	resource, _ := s.table.find(path)
	if resource == nil {
		return config
	}
	route := resource.route(h.Method())
	if route == nil {
		return config
	}
	if route.streams {
		config.WriteTimeout = s.limits.StreamTimeout
	}
	if route.script && s.wantsMore(h) && s.credentialsHold(h) {
		config.MaxRequestBodySize = s.limits.ScriptBodyBytes
	}
	if route.imports {
		config.ReadTimeout, config.WriteTimeout = s.limits.ImportTimeout, s.limits.ImportTimeout
		if s.wantsMore(h) && s.credentialsHold(h) {
			config.MaxRequestBodySize = s.limits.ImportBodyBytes
		}
	}
	return config
}

// wantsMore says whether the body is announced as larger than what everyone may send, or its size is not announced.
func (s *Server) wantsMore(h *fasthttp.RequestHeader) bool {
	size := h.ContentLength()
	return size > s.limits.BodyBytes || size == -1
}
