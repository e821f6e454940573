package floods

import (
	"context"
	"net/http"
	"testing"
	"time"

	"gusty/test/agent"
)

const (
	mostResident = 64_000_000 // at any time
	mostAtRest   = 15_000_000 // a minute after the last flood
	restWithin   = time.Minute

	hold = 200 * time.Millisecond // for which a flood stands once all its connections have sent
)

// TestFloods runs one flood after the other against one agent.
func TestFloods(t *testing.T) {
	w := newWorld(t)
	for _, f := range floods(w) {
		t.Run(f.name, func(t *testing.T) { w.endure(t, f) })
	}
	w.awaitRest(t)
}

// flood is one way to attack.
type flood struct {
	name    string
	clients int
	plain   bool          // no TLS handshake is made
	attack  func(*client) // on each connection; returns when it has sent all, or was refused
}

// endure floods the agent while a known client goes on asking.
func (w *world) endure(t *testing.T, f flood) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	peak := agent.WatchMemory(ctx, w.process.PID, 20*time.Millisecond)
	served := w.keepAsking(ctx)
	attackers := w.open(ctx, f)
	attackers.sent.Wait()
	pause(ctx, hold)
	asked, err := served()
	highest := peak()
	attackers.close()
	t.Logf("%d of %d clients, %.1f MB, %d answers to the known client, statuses %v",
		attackers.made(), f.clients, float64(highest)/1e6, asked, attackers.statuses())
	if highest > mostResident {
		t.Errorf("%d bytes are resident, at most %d are allowed", highest, mostResident)
	}
	if err != nil {
		t.Errorf("the known client was not served: %v", err)
	}
	w.awaitGone(t)
}

// keepAsking asks as the administrator, on a connection that was there before, until it is told to
// stop; then it returns how many answers came.
func (w *world) keepAsking(ctx context.Context) (stop func() (int, error)) {
	ctx, cancel := context.WithCancel(ctx)
	answers, failure := 0, error(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for failure == nil && ctx.Err() == nil {
			asking := context.WithoutCancel(ctx)
			_, failure = w.admin.Want(asking, http.StatusOK, http.MethodGet, "/agent/status", "")
			answers++
			pause(ctx, 50*time.Millisecond)
		}
	}()
	return func() (int, error) {
		cancel()
		<-done
		return answers, failure
	}
}

// awaitGone waits until the agent has closed the connections of a flood.
func (w *world) awaitGone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; pause(t.Context(), 20*time.Millisecond) {
		if w.openConnections(t) <= 4 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open still", w.openConnections(t))
		}
	}
}

// awaitRest waits until the memory is given back.
func (w *world) awaitRest(t *testing.T) {
	begun := time.Now()
	for ; ; pause(t.Context(), 200*time.Millisecond) {
		memory, err := agent.ReadMemory(w.process.PID)
		if err != nil {
			t.Fatal(err)
		}
		if memory.Resident <= mostAtRest {
			t.Logf("%.1f MB after %s", float64(memory.Resident)/1e6, time.Since(begun))
			return
		}
		if time.Since(begun) > restWithin {
			t.Fatalf("%s after the last flood the memory is %+v", restWithin, memory)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
