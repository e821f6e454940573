package api

import (
	"bytes"
	"log/slog"
	"runtime/debug"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// A request is judged when its header is there, and before a byte of its body is read: who asks,
// what for, and whether there is room. fasthttp has a hook for that which knows the connection,
// ExpectHandler, but calls it only for a client that asks for it by Expect: 100-continue. So grant
// says so for every client that sends a body, and the connection keeps the interim answer back from
// those who did not ask.

// headerUnasked marks a request whose client did not ask for an interim answer.
const headerUnasked = "X-Gusty-Unasked"

// grant decides by the header alone how large a body of the route may be and how long it and the
// answer may take, and has every request with a body judged by admit.
func (s *Server) grant(h *fasthttp.RequestHeader) (config fasthttp.RequestConfig) {
	defer func() {
		if p := recover(); p != nil {
			s.logPanic("panic while a header was judged", p)
			config = fasthttp.RequestConfig{}
		}
	}()
	demandJudgement(h)
	config.MaxRequestBodySize = s.limits.StrangerBodyBytes
	path, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	resource, _ := s.table.find(path)
	if resource == nil {
		return config
	}
	route := resource.route(h.Method())
	if route == nil {
		return config
	}
	config.MaxRequestBodySize = s.bodyLimit(route)
	if route.streams {
		config.WriteTimeout = s.limits.StreamTimeout
	}
	if route.imports {
		config.ReadTimeout, config.WriteTimeout = s.limits.ImportTimeout, s.limits.ImportTimeout
	}
	return config
}

// demandJudgement makes fasthttp call admit for the request, if it has a body.
func demandJudgement(h *fasthttp.RequestHeader) {
	asked := bytes.EqualFold(h.Peek(fasthttp.HeaderExpect), []byte("100-continue"))
	if size := h.ContentLength(); !asked && size != -1 && size <= 0 {
		return // admit, which alone looks at what a client may have named so, is not called
	}
	h.Del(headerUnasked)
	h.Set(fasthttp.HeaderExpect, "100-continue")
	if !asked {
		h.Set(headerUnasked, "1")
	}
}

// bodyLimit returns how many bytes the body of a request for route may have.
func (s *Server) bodyLimit(route *Route) int {
	switch {
	case route.Open:
		return s.limits.StrangerBodyBytes
	case route.imports:
		return s.limits.ImportBodyBytes
	case route.script:
		return s.limits.ScriptBodyBytes
	}
	return s.limits.BodyBytes
}

// admit judges a request whose body is still to come. It returns 100 where the body is to be read,
// and handle goes on with the request then; else it has made the answer, after which the connection
// closes.
func (s *Server) admit(ctx *fasthttp.RequestCtx) (status int) {
	c, ok := ctx.Conn().(*secureConn)
	if !ok {
		return fasthttp.StatusInternalServerError // never: the listener makes no other
	}
	defer func() {
		if p := recover(); p != nil {
			s.logPanic("panic while a request was judged", p)
			status = fasthttp.StatusInternalServerError
		}
	}()
	r := s.newRequest(ctx)
	unasked := len(ctx.Request.Header.Peek(headerUnasked)) > 0
	err := r.admission()
	if err == nil {
		err = r.reserve(c)
	}
	if err == nil || unasked && r.reserveRefused(c) {
		r.judged, r.refused, c.admitted = true, err, r
		c.mute = unasked
		return fasthttp.StatusContinue
	}
	defer s.freeRequest(r)
	c.below.linger.Store(true)
	r.fail(err)
	r.finish()
	return ctx.Response.StatusCode()
}

// reserve takes room for the body, as large as it is announced or may be, and makes the buffer that
// it is read into: growing by itself it would take up to three times as much.
func (r *request) reserve(c *secureConn) error {
	limit, size := r.server.bodyLimit(r.route), r.http.Request.Header.ContentLength()
	if size > limit {
		return tooLarge()
	}
	if size == -1 {
		size = limit
	}
	held := r.server.takeRoom(r.route, size, r.user == nil)
	if held == nil {
		return messages.Busy("the memory for the bodies of requests")
	}
	c.hold(&c.body, held)
	r.server.noteWork(size / workBytes)
	if size > smallBody {
		r.http.Request.SwapBody(make([]byte, 0, size+len("\r\n"))) // chunks are read with their end
	}
	return nil
}

func (s *Server) takeRoom(route *Route, size int, stranger bool) *reservation {
	if route.imports {
		return s.bodies.takePlace()
	}
	return s.bodies.take(size, stranger)
}

// reserveRefused reports whether the body of a refused request is read nevertheless, so that the
// connection can go on: one that is small, of a length that is known, where strangers have room
// left.
func (r *request) reserveRefused(c *secureConn) bool {
	size := r.http.Request.Header.ContentLength()
	if size < 0 || size > r.server.limits.StrangerBodyBytes {
		return false
	}
	held := r.server.bodies.take(size, true)
	if held == nil {
		return false
	}
	c.hold(&c.body, held)
	return true
}

// workBytes is how much of a body is as much work to the heap as a request.
const workBytes = 16 << 10

// smallBody is the size up to which bodies are read into buffers that are used again.
const smallBody = 4 << 10

// dropBody frees the memory of a large body before the request's end.
func (r *request) dropBody() {
	if len(r.http.Request.Body()) > smallBody {
		r.http.Request.SwapBody(nil)
	}
}

func (s *Server) logPanic(text string, p any) {
	s.log.Error(text, slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
}
