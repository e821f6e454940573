package actors

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// world is a whole actor tree on fakes.
type world struct {
	t        *testing.T
	store    *memStore
	launcher *fakeLauncher
	log      *logBuffer
	options  Options
	bombs    *bombs
	sys      *System
	bubble   bool // on a clock of its own
	stopped  bool
}

func newWorld(t *testing.T) *world {
	return newWorldOn(t, newMemStore())
}

func newWorldOn(t *testing.T, store *memStore) *world {
	w := &world{t: t, store: store, launcher: &fakeLauncher{}, log: &logBuffer{}, bombs: newBombs()}
	w.options = Options{
		Store: store, Launcher: w.launcher, BootID: "boot-1", StopGrace: 3 * time.Second,
		openCluster: func(opensearch.Config) (bulkClient, error) {
			return deadCluster().client(), nil
		},
		Logger: slog.New(slog.NewTextHandler(w.log,
			&slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	return w
}

// start starts the tree, and ends it with the test.
func (w *world) start() *world {
	w.t.Helper()
	sys, err := start(context.Background(), w.options, w.bombs.wrap)
	if err != nil {
		w.t.Fatalf("the tree does not start: %v\n%s", err, w.log)
	}
	w.sys = sys
	return w
}

// stop ends the tree in order, and its store. It may be called again.
func (w *world) stop() {
	if w.stopped {
		return
	}
	w.stopped = true
	w.sys.Stop(context.Background())
	w.store.close()
	if w.bubble {
		w.advance(5 * time.Second) // the library counts dead letters for a second
	}
}

// inBubble runs a test on a clock of its own, with a tree that is started there.
func inBubble(t *testing.T, prepare func(*world), test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.bubble = true
		if prepare != nil {
			prepare(w)
		}
		w.start()
		defer w.stop()
		test(w)
	})
}

// advance lets time pass in a bubble.
func (w *world) advance(d time.Duration) {
	time.Sleep(d) // of the bubble's clock: it takes no time
	synctest.Wait()
}

// afterCrash returns another agent, not started yet, on what is committed now. The first one is
// stopped, where nobody sees what it still writes.
func (w *world) afterCrash() *world {
	synctest.Wait()
	next := newWorldOn(w.t, w.store.afterCrash())
	next.options.BootID, next.bubble = w.options.BootID, true
	w.stop()
	return next
}

// restartAfterCrash starts another agent on what is committed now, after down.
func (w *world) restartAfterCrash(down time.Duration) *world {
	next := w.afterCrash()
	w.advance(down)
	return next.start()
}

// ask asks and expects a reply of type T.
func ask[T any](w *world, message any) T {
	w.t.Helper()
	reply, err := w.sys.Ask(context.Background(), message)
	if err != nil {
		w.t.Fatalf("%T: %v\n%s", message, err, w.log)
	}
	got, ok := reply.(T)
	if !ok {
		w.t.Fatalf("%T is answered with %T", message, reply)
	}
	return got
}

// refusalOf asks and expects an *Error.
func refusalOf(w *world, message any) *messages.Error {
	w.t.Helper()
	reply, err := w.sys.Ask(context.Background(), message)
	e := messages.AsError(err)
	if e == nil {
		w.t.Fatalf("%T is answered with %+v, %v", message, reply, err)
	}
	return e
}

// job makes a stored job.
func job(name, expression, script string, change ...func(*messages.JobOptions)) messages.Job {
	j := messages.Job{
		Name: name, CronExpression: expression, Content: []byte(script), Type: messages.ScriptBash,
		Options: messages.DefaultJobOptions(),
	}
	j.Options.TimeZone = "UTC"
	for _, c := range change {
		c(&j.Options)
	}
	return j
}

// put stores a job through the tree.
func (w *world) put(j messages.Job, expect messages.Expect) messages.JobPut {
	w.t.Helper()
	o := j.Options
	return ask[messages.JobPut](w,
		messages.PutJob{Job: j, Expect: expect, Patch: messages.JobOptionsPatch{
			Enabled: &o.Enabled, TimeZone: &o.TimeZone, OverlapPolicy: &o.OverlapPolicy,
			MisfirePolicy:       &o.MisfirePolicy,
			MisfireGraceSeconds: &o.MisfireGraceSeconds, TimeoutSeconds: &o.TimeoutSeconds,
			KillGraceSeconds: &o.KillGraceSeconds,
			MaxRetries:       &o.MaxRetries, RetryDelaySeconds: &o.RetryDelaySeconds,
			JitterSeconds: &o.JitterSeconds,
		}})
}

func (w *world) add(j messages.Job) messages.JobPut {
	w.t.Helper()
	return w.put(j, messages.ExpectAbsent)
}

// inState returns a job's runs in a state, oldest first.
func (w *world) inState(name string, state messages.RunState) []messages.Run {
	var found []messages.Run
	for _, r := range w.store.runsOf(name) {
		if r.State == state {
			found = append(found, r)
		}
	}
	return found
}

// expect fails the test where the number of a job's runs in a state is another.
func (w *world) expect(name string, state messages.RunState, n int) []messages.Run {
	w.t.Helper()
	if w.bubble {
		synctest.Wait()
	}
	found := w.inState(name, state)
	if len(found) != n {
		w.t.Fatalf("%s has %d runs %s, not %d:%s\n%s", name, len(found), state, n,
			describe(w.store.runsOf(name)), w.log)
	}
	return found
}

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var short []string
	for line := range strings.SplitSeq(b.text.String(), "\n") {
		short = append(short, line[:min(len(line), 400)])
	}
	return strings.Join(short, "\n")
}

// boom makes the actor that gets it panic.
type boom struct{}

// bombs stand between actors and their messages.
type bombs struct {
	mu      sync.Mutex
	atStart map[string]int // how many of the next starts of an actor fail
	last    *actor.PID     // of the executor that started last
	hold    chan struct{}  // not nil: the next executor to start waits for its closing
}

// hold makes the actor that gets it say so, and wait.
type hold struct{ begun, until chan struct{} }

// holdUp keeps an actor from its messages until the returned function is called.
func (w *world) holdUp(name string) (letGo func()) {
	h := hold{begun: make(chan struct{}), until: make(chan struct{})}
	w.sys.tell(name, h)
	<-h.begun
	return func() { close(h.until) }
}

func newBombs() *bombs { return &bombs{atStart: map[string]int{}} }

func (b *bombs) wrap(name string, p actor.Producer) actor.Producer {
	return func() actor.Actor { return &bomb{Actor: p(), name: name, all: b} }
}

func (b *bombs) failNextStarts(name string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.atStart[name] = n
}

// holdNextStart keeps the next executor from its start until the returned function is called.
func (b *bombs) holdNextStart() (letGo func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hold := make(chan struct{})
	b.hold = hold
	return func() { close(hold) }
}

func (b *bombs) executor() *actor.PID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func (b *bombs) onStarted(name string, pid *actor.PID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if name == nameExecutor {
		b.last = pid
		if hold := b.hold; hold != nil {
			b.hold = nil
			b.mu.Unlock()
			<-hold
			b.mu.Lock()
		}
	}
	if b.atStart[name] > 0 {
		b.atStart[name]--
		panic(fmt.Sprintf("the %s actor is told to fail at its start", name))
	}
}

type bomb struct {
	actor.Actor
	name string
	all  *bombs
}

func (b *bomb) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		b.all.onStarted(b.name, ctx.Self())
	case boom:
		panic("boom")
	case hold:
		close(m.begun)
		<-m.until
		return
	case look:
		ctx.Respond(m.at(b.Actor))
		return
	}
	b.Actor.Receive(ctx)
}

// explode makes an actor panic, and gives what its asker is told.
func (w *world) explode(name string) error {
	_, err := w.sys.request(context.Background(), name, boom{})
	return err
}
