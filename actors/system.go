package actors

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/hostclock"
	"gusty/internal/hostinfo"
	"gusty/internal/opensearch"
	"gusty/messages"
)

// Names of the actors, as logs, metrics and the readiness answer show them.
const (
	nameAgent     = "agent"
	nameConfig    = "config"
	nameMetric    = "metric"
	nameScheduler = "scheduler"
	nameExecutors = "executors"
	nameAccess    = "access"
	nameShipper   = "shipper"
)

// mailboxLimit is how many requests may wait for one actor before the next is answered "busy". At
// some microseconds a request it is far more than a second's work, and some hundred KB at the most.
const mailboxLimit = 4096

// Options are what the tree is built from. Store, Launcher and Logger are required.
type Options struct {
	Store      Store
	Launcher   Launcher
	Logger     *slog.Logger
	Build      messages.Build
	Collectors []hostinfo.Collector
	BootID     string // of the host, for @reboot; empty: unknown
	// SinceBoot is the host's time since boot, suspensions included; nil: a suspension counts as a
	// clock that was set.
	SinceBoot func() time.Duration
	// Sleep is an exact time.Sleep for the last moment before a firing; nil: time.Sleep.
	Sleep func(time.Duration)
	Port  func() int // the one in use, for documents

	// CheckLimits refuses, with an *Error that names the field, what this host cannot hold of a
	// job's options.
	CheckLimits func(*messages.JobOptions) error
	// OnConfig is told every snapshot of the parameters, the first one included. It must not block.
	OnConfig func(*messages.Config)
	// OnPassword is told whose password was changed, once that is durable. It must not block for
	// long.
	OnPassword func(user string)
	// LogTap brings the agent's own log lines; nil: they are not shipped.
	LogTap *LogTap
	// OnShipped is told of how many documents OpenSearch has just answered, each part of long
	// output being one. It must not block; may be nil.
	OnShipped func(uint64)
	// what a test replaces; nil: opensearch.New
	openCluster func(opensearch.Config) (bulkClient, error)
	// Getenv returns the proxy variables of the environment; nil: there is no proxy.
	Getenv func(string) string
	// OnRound is told that a round of periodic work is over: a sample of the host, or a look at due
	// times that found none. It must not block; may be nil.
	OnRound func()
	// OnShutDown is told that a client asked for the ordered stop. It must not block.
	OnShutDown func(messages.Origin)
	// StopGrace is how long runs under way may go on when the agent stops.
	StopGrace time.Duration
}

// member is one actor below the agent.
type member struct {
	name     string
	producer actor.Producer
	vital    *vital
	pid      atomic.Pointer[actor.PID]
}

// System is the running tree.
type System struct {
	opt     Options
	log     *slog.Logger
	actors  *actor.ActorSystem
	agent   *actor.PID
	members []*member
	workers workers

	agentGone chan struct{} // closed when the agent actor has stopped, and with it all others

	config atomic.Pointer[messages.Config]
	access atomic.Pointer[messages.Access]
	counts *counters
	wrap   producerWrap

	grown    bell // of the shipper
	shipping atomic.Pointer[shippingState]

	inherited   map[string]messages.Run // the active runs of an earlier life of the agent
	inheritedTx uint64
	lastSeen    time.Time // when that earlier life was last known to be alive; zero: unknown

	// What outlives an instance of an actor, so that the next one knows it.
	live     *liveRuns
	outcomes *outcomes
	starts   *startHealth
	planned  plannedAhead
	figures  hostinfo.Figures // of the last sample
	clock    *hostclock.Watch // the scheduler's
	ids      runIDs

	agentID    string
	hostname   string
	rounds     atomic.Uint64 // numbers the instances of actors that use timers
	collecting []atomic.Bool // by collector: a call is under way

	runsOver context.Context // ends when the agent stops and no run is under way any more
	endRuns  context.CancelFunc

	stopping atomic.Bool
	failOnce sync.Once
	dead     chan error
}

// producerWrap lets a test stand between an actor and its messages; it is not reachable from
// outside the package's tests.
type producerWrap func(name string, p actor.Producer) actor.Producer

// Start builds the tree and returns when every actor has loaded its state.
func Start(ctx context.Context, opt Options) (*System, error) {
	return start(ctx, opt, asBuilt)
}

func start(ctx context.Context, opt Options, wrap producerWrap) (*System, error) {
	s := &System{
		opt: opt, log: opt.Logger, counts: newCounters(), wrap: wrap, dead: make(chan error, 1),
		agentGone: make(chan struct{}),
		live:      newLiveRuns(), planned: plannedAhead{},
		collecting: make([]atomic.Bool, len(opt.Collectors)),
		clock:      hostclock.NewWatch(opt.SinceBoot),
	}
	s.opt.Store = nudgingStore{opt.Store, s.nudgeShipper}
	s.outcomes = newOutcomes(s.opt.Store, opt.Logger)
	s.starts = &startHealth{try: opt.Launcher.TryStart, log: opt.Logger}
	if s.opt.openCluster == nil {
		s.opt.openCluster = func(c opensearch.Config) (bulkClient, error) {
			return opensearch.New(c)
		}
	}
	if s.opt.Sleep == nil {
		s.opt.Sleep = time.Sleep
	}
	s.runsOver, s.endRuns = context.WithCancel(context.Background())
	if err := s.prepare(); err != nil {
		return nil, err
	}
	s.actors = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet(opt.Logger) }),
		actor.WithDeadLetterRequestLogging(false),
	)
	// The order is that of the start; Stop has its own.
	for _, m := range []*member{
		{name: nameConfig, producer: func() actor.Actor { return newConfigActor(s) }},
		{name: nameAccess, producer: func() actor.Actor { return newAccessActor(s) }},
		{name: nameMetric, producer: func() actor.Actor { return newMetricActor(s) }},
		{name: nameExecutors, producer: func() actor.Actor { return newExecutorsActor(s) }},
		{name: nameScheduler, producer: func() actor.Actor { return newSchedulerActor(s) }},
		{name: nameShipper, producer: func() actor.Actor { return newShipperActor(s) }},
	} {
		m.vital, m.producer = newVital(m.name), wrap(m.name, m.producer)
		s.members = append(s.members, m)
	}
	if err := s.spawn(ctx); err != nil {
		s.Stop(ctx)
		return nil, err
	}
	if opt.LogTap != nil {
		opt.LogTap.attach(s.queueLines)
	}
	return s, nil
}

// prepare loads what every actor counts on.
func (s *System) prepare() error {
	id, err := s.opt.Store.Setting(messages.SettingAgentID)
	if err != nil {
		return fmt.Errorf("read the agent's id: %w", err)
	}
	s.agentID = string(id)
	s.hostname, _ = os.Hostname() // a host without a name is shown as one
	if s.opt.BootID == "" {
		// a boot that cannot be told counts as new at every start of the agent
		s.opt.BootID = newID()
	}
	last, err := s.opt.Store.Runs(messages.RunQuery{Limit: 1})
	if err != nil {
		return fmt.Errorf("read the last run: %w", err)
	}
	for i := range last.Runs {
		s.ids.after(last.Runs[i].ID)
	}
	config, _, err := loadConfig(s.opt.Store, 1)
	if err != nil {
		return err
	}
	s.config.Store(config)
	if s.inherited, s.inheritedTx, err = loadActive(s.opt.Store); err != nil {
		return fmt.Errorf("load the runs under way: %w", err)
	}
	s.lastSeen, err = loadLastSeen(s.opt.Store, time.Now())
	return err
}

func (s *System) port() int {
	if s.opt.Port == nil {
		return 0
	}
	return s.opt.Port()
}

func (s *System) spawn(ctx context.Context) error {
	born := make(chan error, 1)
	props := actor.PropsFromProducer(s.wrap(nameAgent, func() actor.Actor {
		return &agentActor{system: s, born: born}
	}),
		actor.WithDispatcher(&s.workers),
		actor.WithGuardian(&guardian{fail: s.fail}),
		actor.WithReceiverMiddleware(s.watched(newVital(nameAgent),
			s.log.With("actor", nameAgent))),
		actor.WithSupervisor(&oneForOne{
			most:   maxRestarts,
			window: restartWindow,
			giveUp: s.giveUp,
		}))
	pid, err := s.actors.Root.SpawnNamed(props, nameAgent)
	if err != nil {
		return fmt.Errorf("spawn the agent actor: %w", err)
	}
	s.agent = pid
	select {
	case err := <-born:
		if err != nil {
			return err
		}
	case err := <-s.dead:
		s.dead <- err
		return err
	case <-ctx.Done():
		return fmt.Errorf("the actors did not start: %w", ctx.Err())
	}
	return s.awaitUp(ctx, nil)
}

// awaitUp waits until every member that before names came up once more than it says, or, with nil,
// once at all.
func (s *System) awaitUp(ctx context.Context, before map[string]uint64) error {
	for _, m := range s.members {
		if _, ok := before[m.name]; before != nil && !ok {
			continue
		}
		if err := s.awaitOne(ctx, m, before[m.name]); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) awaitOne(ctx context.Context, m *member, before uint64) error {
	for {
		state, starts, changed := m.vital.look()
		if state == stateUp && starts > before {
			return nil
		}
		select {
		case <-changed:
		case err := <-s.dead:
			s.dead <- err
			return err
		case <-ctx.Done():
			return fmt.Errorf("the %s actor did not start: %w", m.name, ctx.Err())
		}
	}
}

// props returns what the library needs to run one member.
func (s *System) props(m *member) *actor.Props {
	return actor.PropsFromProducer(m.producer,
		actor.WithDispatcher(&s.workers),
		actor.WithSupervisor(s.supervisorOf(m)),
		actor.WithMailbox(func() actor.Mailbox {
			box := newMailbox(m.name, mailboxLimit, s.answer)
			m.vital.mailbox.Store(box)
			return box
		}),
		actor.WithReceiverMiddleware(s.watched(m.vital, s.log.With("actor", m.name))))
}

// supervisorOf returns the strategy for a member's own children: only the executors have any.
func (s *System) supervisorOf(m *member) actor.SupervisorStrategy {
	return &keepGoing{tell: func(failed executorFailed) {
		s.actors.Root.Send(m.pid.Load(), failed)
	}}
}

func (s *System) member(name string) *member {
	for _, m := range s.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// answer sends a reply to an asker.
func (s *System) answer(to *actor.PID, reply any) { s.actors.Root.Send(to, reply) }

// tell sends a message to a member from outside of any actor.
func (s *System) tell(name string, message any) {
	if pid := s.member(name).pid.Load(); pid != nil {
		s.actors.Root.Send(pid, message)
	}
}

// roundOver tells that a round of periodic work is over.
func (s *System) roundOver() {
	if s.opt.OnRound != nil {
		s.opt.OnRound()
	}
}

func (s *System) giveUp(child *actor.PID, cause any) {
	s.fail(&GaveUpError{Actor: lastPart(child.Id), Most: maxRestarts, Cause: cause})
}

func (s *System) fail(err error) {
	s.failOnce.Do(func() { s.dead <- err })
}

// Dead returns the cause when the tree can no longer do its work: the process has to stop in order,
// and end with a non-zero exit.
func (s *System) Dead() <-chan error { return s.dead }

// Config returns the snapshot of the parameters in force.
func (s *System) Config() *messages.Config { return s.config.Load() }

// Access returns the snapshot of who may do what.
func (s *System) Access() *messages.Access { return s.access.Load() }

func lastPart(id string) string {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '/' {
			return id[i+1:]
		}
	}
	return id
}

// quiet keeps the library's own lines below warnings out of the log: they tell of every actor that
// starts.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
