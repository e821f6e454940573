package api

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// request is one request on its way through the package. It belongs to its goroutine and is used
// again when the answer is written.
type request struct {
	server *Server
	http   *fasthttp.RequestCtx
	route  *Route // nil until the path and the method are known to exist
	param  string // the value of the path's {…}, where it has one
	user   *messages.User
	id     requestID
	start  time.Time
	hidden error // what a 500 does not say

	judged  bool  // admission was taken when the header came
	refused error // what came of it

	leaveGathering func() // nil: no place was taken
}

func (s *Server) newRequest(ctx *fasthttp.RequestCtx) *request {
	r, ok := s.requestPool.Get().(*request)
	if !ok {
		r = &request{server: s}
	}
	r.http, r.start = ctx, time.Now()
	r.id.fill(r.start)
	return r
}

func (s *Server) freeRequest(r *request) {
	*r = request{server: s}
	s.requestPool.Put(r)
}

// remote returns the client's address, whole.
func (r *request) remote() netip.Addr {
	return remoteOf(r.http)
}

func remoteOf(ctx *fasthttp.RequestCtx) netip.Addr {
	a, _ := netip.AddrFromSlice(ctx.RemoteIP())
	return a.Unmap()
}

// origin says who asks, for the record that a change leaves.
func (r *request) origin() messages.Origin {
	o := messages.Origin{RequestID: r.id.String(), Remote: r.remote().String()}
	if r.user != nil {
		o.Principal = r.user.Name
	}
	return o
}

// ask sends msg and waits for its reply, at most the usual time and extra on top of it.
func (r *request) ask(msg any, extra time.Duration) (any, error) {
	ctx, cancel := context.WithTimeout(r.server.ctx, r.server.limits.AskTimeout+extra)
	defer cancel()
	return r.server.options.Asker.Ask(ctx, msg)
}

// ask returns the reply as the type that msg promises.
func ask[T any](r *request, msg any) (T, error) { return askLong[T](r, msg, 0) }

// askLong is ask for what takes its time.
func askLong[T any](r *request, msg any, extra time.Duration) (T, error) {
	var none T
	reply, err := r.ask(msg, extra)
	if err != nil {
		return none, err
	}
	typed, ok := reply.(T)
	if !ok {
		return none, fmt.Errorf("the reply to %T is a %T", msg, reply)
	}
	return typed, nil
}
