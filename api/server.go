package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"gusty/messages"
)

// Asker carries a request to the actor it belongs to and gives the actor's reply. The types of
// requests and replies are those of package messages. An expected failure is a *messages.Error; any
// other error is a fault of the agent's own. It obeys ctx's deadline and is safe for concurrent
// use.
type Asker interface {
	Ask(ctx context.Context, msg any) (any, error)
}

// Options are what a Server needs of the rest of the agent.
type Options struct {
	Asker  Asker
	Access func() *messages.Access // who may do what, as it is now
	Config func() *messages.Config // the parameters, as they are now
	Build  messages.Build
	Keys   KeyRotator

	Capabilities func() []messages.Capability // of the host now, in the order they are shown in
	// what this host cannot hold of an imported job's options; may be nil
	CheckLimits func(*messages.JobOptions) error

	InstallDir string // the directory of the executable
	// in hex; called for the first time when a client asks, and then at most once a request
	ExecutableSHA256 func() string
	Port             func() int // the one that is served

	TLS    *tls.Config // with the certificate; versions below 1.2 are refused whatever it says
	Logger *slog.Logger
	Limits Limits
	// Activity counts requests, connections and pieces of large bodies, for those who want to know
	// when the agent is idle; may be nil.
	Activity *atomic.Uint64
}

// Server answers the REST routes.
type Server struct {
	options Options
	limits  Limits
	log     *slog.Logger
	table   *routeTable
	auth    *authenticator
	fields  fieldCache
	stats   *httpStats
	metric  metricCache
	streams chan struct{}
	follows chan struct{}
	// transfers has the one place for an export or import under way.
	transfers chan struct{}
	bodies    *budget // of requests
	answers   *budget
	gathering *gate
	decoding  *gate
	http      *fasthttp.Server

	requestPool sync.Pool
	// requests that may have changed something: what was rendered before is stale
	changes  atomic.Uint64
	stopping atomic.Bool

	// What the log shows of refused credentials, of missing rights, and of the agent's own limits.
	guesses, denials, troubles floodLog

	ctx    context.Context // ends when the server gives up waiting for requests under way
	cancel context.CancelFunc
	leave  context.Context // ends when Shutdown begins
	depart context.CancelFunc

	mu sync.Mutex
	ln *listener
}

// New makes a Server; Serve starts it.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	limits := o.Limits.withDefaults()
	routes := Routes()
	s := &Server{
		options: o, limits: limits, log: o.Logger,
		table:   newRouteTable(routes),
		stats:   newHTTPStats(len(routes)),
		streams: make(chan struct{}, limits.Streams),
		follows: make(chan struct{}, limits.Followers), transfers: make(chan struct{}, 1),
		bodies: &budget{most: limits.BodiesInAll}, answers: &budget{most: limits.AnswersInAll},
		gathering: newGate(4, limits.AskTimeout, "what puts large answers together"),
		decoding:  newGate(2, limits.AskTimeout, "what reads large bodies"),
	}
	s.guesses = floodLog{log: o.Logger, text: "more requests were refused for their credentials"}
	s.denials = floodLog{log: o.Logger, text: "more requests were refused for want of rights"}
	s.troubles = floodLog{log: o.Logger, text: "more requests could not be carried out"}
	auth, err := newAuthenticator(o.Access, limits)
	if err != nil {
		return nil, err
	}
	s.auth = auth
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.leave, s.depart = context.WithCancel(s.ctx)
	s.http = s.newHTTPServer()
	return s, nil
}

func (o *Options) check() error {
	switch {
	case o.Asker == nil, o.Access == nil, o.Config == nil, o.ExecutableSHA256 == nil, o.Port == nil,
		o.Logger == nil:
		return errors.New(
			"api: Asker, Access, Config, ExecutableSHA256, Port and Logger are needed")
	case o.TLS == nil:
		return errors.New("api: a TLS configuration is needed: there is no HTTP without TLS")
	}
	return nil
}

func (s *Server) newHTTPServer() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:        s.handle,
		ErrorHandler:   s.handleUnreadable,
		HeaderReceived: s.grant,
		ExpectHandler:  s.admit,
		ConnState:      s.noteState,
		Name:           "gusty",
		// The caps are the listener's, below TLS: over its own, fasthttp would do a handshake
		// without a deadline in the accept loop.
		Concurrency:                  maxConnections + 1024,
		ReadBufferSize:               s.limits.HeaderBytes,
		ReadTimeout:                  s.limits.ReadTimeout,
		WriteTimeout:                 s.limits.WriteTimeout,
		IdleTimeout:                  s.limits.IdleTimeout,
		MaxRequestBodySize:           s.limits.BodyBytes,
		ReduceMemoryUsage:            true,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		Logger:                       httpLogger{s.log},
	}
}

// Serve answers requests on ln, over TLS, until Shutdown. It takes ln over and closes it.
func (s *Server) Serve(ln net.Listener) error {
	l := newListener(ln, s.tlsConfig(), s.limits, s.connectionCap(), s.log)
	s.mu.Lock()
	s.ln = l
	s.mu.Unlock()
	if s.stopping.Load() {
		return l.Close()
	}
	if err := s.http.Serve(l); err != nil {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

func (s *Server) tlsConfig() *tls.Config {
	c := s.options.TLS.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if len(c.NextProtos) == 0 {
		c.NextProtos = []string{"http/1.1"}
	}
	return c
}

// connectionCap returns what tells the cap in force. The accept loop calls it for each connection:
// it looks a value up only when the configuration is another.
func (s *Server) connectionCap() func() int {
	if fixed := s.limits.Connections; fixed > 0 {
		return func() int { return fixed }
	}
	var seen *messages.Config
	most := 0
	return func() int {
		if now := s.options.Config(); now != seen {
			seen, most = now, int(now.Int(messages.ParamMaxConnections))
		}
		return most
	}
}

// Shutdown stops listening and waits for the requests under way until ctx ends; those that are not
// done then are answered 503 where that is still possible, and every connection is closed. It gives
// ctx's error if it had to do that.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	s.depart()
	defer s.cancel()
	s.mu.Lock()
	l := s.ln
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	if err := l.Close(); err != nil {
		s.log.Warn("closing the listener failed", slog.Any("error", err))
	}
	l.closeUnused()
	if err := s.http.ShutdownWithContext(ctx); err != nil && ctx.Err() != nil {
		s.cancel()
		l.drain(shutdownGrace)
		return fmt.Errorf("requests were still under way: %w", ctx.Err())
	}
	l.drain(0)
	return nil
}

// shutdownGrace is how long an answer may take once its request was told that the agent stops.
const shutdownGrace = 250 * time.Millisecond

// connections returns how many are open and how many were refused.
func (s *Server) connections() (open int, refused uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln == nil {
		return 0, 0
	}
	return s.ln.counts()
}

// Requests counts the requests that were answered since the start.
func (s *Server) Requests() uint64 { return s.stats.total.Load() }

// httpLogger writes fasthttp's own remarks (mostly connections that broke) to the agent's log.
type httpLogger struct{ log *slog.Logger }

// Printf logs at debug: what matters to an operator is logged where it is answered.
func (l httpLogger) Printf(format string, args ...any) {
	l.log.Debug("http", slog.String("detail", fmt.Sprintf(format, args...)))
}
