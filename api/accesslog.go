package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// log writes the request down: what the agent failed at as an error, what it could not do or
// refused for want of rights as a warning, and everything else for those who debug. No line holds a
// header, a query or a body: they may carry secrets.
func (r *request) log(took time.Duration) {
	status := r.http.Response.StatusCode()
	level := r.level(status)
	if !r.server.log.Enabled(context.Background(), level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("request_id", r.id.String()), slog.String("method", string(r.http.Method())),
		slog.String("path", r.loggedPath()),
		slog.Int("status", status), slog.String("remote", r.remote().String()),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	}
	if name := r.loggedUser(); name != "" {
		attributes = append(attributes, slog.String("user", name))
	}
	if client := clientID(r.http); client != "" {
		attributes = append(attributes, slog.String("client_request_id", client))
	}
	if r.hidden != nil {
		attributes = append(attributes, slog.Any("error", r.hidden))
	}
	r.server.log.LogAttrs(context.Background(), level, "request", attributes...)
}

// level says how much the answer matters. Of refusals and of what the agent could not do one a
// second shows: a line for each would be the flood's second half. How many did not show is in a
// line of its own.
func (r *request) level(status int) slog.Level {
	var bounded *floodLog
	switch {
	case status == http.StatusInternalServerError:
		return slog.LevelError
	case status > http.StatusInternalServerError:
		bounded = &r.server.troubles
	case status == http.StatusForbidden:
		bounded = &r.server.denials
	case status == http.StatusUnauthorized && r.hasCredentials(),
		status == http.StatusTooManyRequests:
		bounded = &r.server.guesses
	}
	if bounded != nil && bounded.pass(r.start) {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (r *request) hasCredentials() bool {
	return len(r.http.Request.Header.Peek(fasthttp.HeaderAuthorization)) > 0
}

// loggedUser is who asks, or whom a login that failed claims to be.
func (r *request) loggedUser() string {
	if r.user != nil {
		return r.user.Name
	}
	name, _, _ := parseBasic(r.http.Request.Header.Peek(fasthttp.HeaderAuthorization))
	return name
}

// loggedPath is the route's path, or where there is none the one that was asked for, cut.
func (r *request) loggedPath() string {
	if r.route != nil {
		return r.route.Path
	}
	path := r.http.Path()
	return string(path[:min(len(path), 128)])
}

// clientID returns the X-Request-Id that the client sent, where it is short and harmless. It is
// logged and trusted for nothing.
func clientID(ctx *fasthttp.RequestCtx) string {
	sent := ctx.Request.Header.Peek("X-Request-Id")
	if len(sent) == 0 || len(sent) > 64 {
		return ""
	}
	for _, c := range sent {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' {
			return ""
		}
	}
	return string(sent)
}
