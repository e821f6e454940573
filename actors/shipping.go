package actors

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// What the shipper concludes from a delivery: what is tried again and when.

// breaker keeps a cluster that takes nothing from being asked all the time: while it is open, one
// batch is tried when its time has come.
type breaker struct {
	backoff
	until time.Time
	// why nothing is sent until then although the server takes documents; empty: it has not asked
	// for that
	asked  string
	reason string
	paused bool // whoever asks may not: trying again soon would bring nothing
	// why the last batch was refused whole, index by index: others are still tried
	denied        string
	misconfigured string // why there is no client
}

func (b *breaker) open() bool { return b.failures > 0 }

// conclude notes what a delivery tells of the cluster and of the indices.
func (a *shipperActor) conclude(r *delivered, commitErr error, now time.Time) {
	switch {
	case commitErr != nil:
		// What arrived will be sent again, and be there already.
		a.goBack(r.after)
		a.trip(now, 0, "what was shipped could not be noted: "+commitErr.Error())
		return
	case r.err != nil:
		a.goBack(r.after)
		a.failed(r, now)
	}
	tried := a.noteHeld(r, now)
	if tried.crowded {
		if now.Sub(a.pace.crowdedAt) >= crowdMemory {
			a.system.log.Warn(
				"OpenSearch has too much to do; documents are sent for fewer indices at a time",
				"actor", nameShipper,
				"reason", tried.reason, "endpoint", a.client.Endpoint())
		}
		a.pace.crowded(tried.crowd, now)
	}
	if r.err == nil {
		a.succeeded(r, tried, now)
	}
}

// goBack makes the cursor return behind a sequence when nothing is under way any more. What has
// arrived is not there to be read again.
func (a *shipperActor) goBack(after uint64) { a.rewind = min(a.rewind, after) }

// failed concludes from the failure of a whole request.
func (a *shipperActor) failed(r *delivered, now time.Time) {
	if a.life.Err() != nil {
		return
	}
	if isPanic(r.err) {
		a.system.log.Error("a delivery failed by a fault of the agent's own", "actor", nameShipper,
			"cause", r.err, "stack", stackOf(r.err))
	}
	if r.arrived() > 0 {
		a.breaker.delay = 0 // it is there, though not always
	}
	status, answered := errors.AsType[*opensearch.StatusError](r.err)
	if !answered {
		a.trip(now, 0, r.err.Error())
		return
	}
	switch status.Class() {
	case opensearch.Denied:
		a.pause(now, r.err.Error())
	case opensearch.TooLarge:
		a.pace.tooLarge(r.sent, r.maxBytes, now)
		a.last.fail(r.err.Error(), now)
	case opensearch.Refused:
		a.split(r, now)
	default:
		a.trip(now, status.RetryAfter, r.err.Error())
	}
}

// maxAlone is how many documents in a row may be refused alone, by a 400 to their requests, before
// that is held to be the requests' fault: one that OpenSearch refuses whatever is in it would else
// make dead letters of all that waits.
const maxAlone = 3

// split makes the next batches smaller: one of these documents, or a part of one, is what is
// refused.
func (a *shipperActor) split(r *delivered, now time.Time) {
	a.pace.rows = max(min(a.pace.rows, len(r.rows))/2, 1)
	a.pace.cut(r.sent, r.maxBytes)
	a.last.fail(r.err.Error(), now)
}

// succeeded closes the breaker, unless the server has too much to do, took nothing at all, or has
// failed since this delivery began.
func (a *shipperActor) succeeded(r *delivered, tried heldCount, now time.Time) {
	switch {
	case len(r.rows) == 0 && r.standing.Waiting > 0:
		return // what waits is held, or on its way: nothing was learned
	case tried.crowded && tried.takenRows == 0:
		a.trip(now, tried.asked, tried.reason)
		return
	case r.trips != a.trips:
		return // the later answer counts, with the time for which it asked
	case tried.crowded:
		a.ease(&tried, now)
		return
	case r.alone != "" && r.arrived() == 0:
		if a.alone++; a.alone > maxAlone {
			a.trip(now, 0, "one document after the other is refused: "+r.alone)
		}
		return
	case tried.denied > 0 && tried.denied == len(r.rows):
		a.breaker = breaker{denied: a.refusedHere(tried.reason)}
		a.last.fail(a.breaker.denied, now)
		return
	}
	a.closeBreaker()
	a.pace.took(r.narrowed, now)
}

// closeBreaker notes that documents are taken.
func (a *shipperActor) closeBreaker() {
	if a.breaker.open() {
		a.system.log.Info("OpenSearch takes documents again", "actor", nameShipper, "endpoint",
			a.client.Endpoint(),
			"after_failures", a.breaker.failures)
	}
	a.breaker, a.alone = breaker{}, 0
}

// ease pauses for a moment, or for as long as the server asks: it has too much to do, but takes
// some of what it gets.
func (a *shipperActor) ease(tried *heldCount, now time.Time) {
	a.closeBreaker()
	a.trips++ // what is answered later and began before does not end the pause
	a.breaker.until = now.Add(shortPause(tried.asked))
	if tried.asked > 0 {
		a.breaker.asked = tried.reason
	}
	a.last.fail(tried.reason, now)
}

// trip opens the breaker, or keeps it open longer.
func (a *shipperActor) trip(now time.Time, asked time.Duration, reason string) {
	first := !a.breaker.open()
	a.trips++
	a.breaker.until = now.Add(a.breaker.next(asked))
	a.breaker.reason, a.breaker.paused = reason, false
	a.last.fail(reason, now)
	if first {
		a.system.log.Warn("OpenSearch takes nothing; documents wait and are tried again", "actor",
			nameShipper, "reason", reason)
	}
}

// pause stops trying for a while, since the same credentials will be refused again.
func (a *shipperActor) pause(now time.Time, reason string) {
	if !a.breaker.paused {
		a.system.log.Error("shipping is paused: OpenSearch refuses the agent's credentials",
			"actor", nameShipper, "reason", reason,
			"user", a.identity(), "endpoint", a.client.Endpoint(), "remedy",
			"gustyctl opensearch check")
	}
	a.trips++
	a.breaker.failures++
	a.breaker.until = now.Add(deniedPause)
	a.breaker.reason, a.breaker.paused = a.refusedHere(reason), true
	a.last.fail(a.breaker.reason, now)
}

// refusedHere says who is refused where.
func (a *shipperActor) refusedHere(reason string) string {
	return fmt.Sprintf("%s at %s is refused: %s", a.identity(), a.client.Endpoint(), reason)
}

// identity names as whom the agent asks.
func (a *shipperActor) identity() string {
	user := a.config.Text(messages.ParamOpenSearchUser)
	switch {
	case a.config.Secret(messages.ParamOpenSearchToken).IsSet():
		return "the API token"
	case user == "":
		return "an agent without a user"
	default:
		return "the user " + quoted(user)
	}
}

// heldCount is what of a delivery was not settled.
type heldCount struct {
	crowd
	denied  int
	crowded bool
	asked   time.Duration // how long the server asks to wait; 0: it does not
	reason  string
}

// noteHeld keeps, by index, what must be tried again.
func (a *shipperActor) noteHeld(r *delivered, now time.Time) (count heldCount) {
	taken := map[string]bool{}
	missed := map[string]*parcel{}
	for i := range r.rows {
		p := &r.rows[i]
		switch {
		case !p.sent:
		case p.verdict == opensearch.Delivered, p.verdict == opensearch.Refused:
			taken[p.index] = true
			count.takenRows++
		default:
			if missed[p.index] == nil {
				missed[p.index] = p
			}
			count.add(p)
		}
	}
	count.rows, count.indices, count.takenIndices = len(r.rows), len(taken), len(taken)
	for index, p := range missed {
		if !taken[index] {
			count.indices++
		}
		a.hold(index, p, taken[index], now)
	}
	for index := range taken {
		if h := a.holds[index]; h != nil && missed[index] == nil && h.from == 0 {
			delete(a.holds, index)
		}
	}
	return count
}

func (c *heldCount) add(p *parcel) {
	c.reason = fmt.Sprintf("answered %d to a document for %s: %s", p.status, p.index, p.reason)
	if p.verdict == opensearch.Denied {
		c.denied++
	}
	c.crowded = c.crowded || p.crowded
	c.asked = max(c.asked, p.asked)
}

// hold notes that documents for an index wait. Where none of them was taken, the others for it are
// left alone until its time has come.
func (a *shipperActor) hold(index string, p *parcel, someTaken bool, now time.Time) {
	h := a.holds[index]
	if h == nil {
		h = &heldIndex{}
		a.holds[index] = h
		if !p.crowded {
			a.system.log.Warn(
				"OpenSearch does not take documents for an index; they wait and are tried again",
				"actor", nameShipper,
				"index", index, "status", p.status, "reason", p.reason, "user", a.identity(),
				"endpoint", a.client.Endpoint())
		}
	}
	if p.crowded && someTaken {
		h.backoff = backoff{}
	}
	if h.from == 0 || p.key.Sequence < h.from {
		h.from = p.key.Sequence
	}
	delay := h.next(p.asked)
	if p.verdict == opensearch.Denied {
		delay = deniedPause
	}
	h.blocked = !someTaken || p.stalled || a.pace.indices > 0
	h.stalled = !someTaken && p.stalled
	h.until, h.asked = now.Add(delay), now.Add(min(p.asked, maxRetryAfter))
	h.reason = fmt.Sprintf("answered %d: %s", p.status, p.reason)
	a.last.fail(fmt.Sprintf("%s: %s", index, h.reason), now)
}

// retryHeld lets the cursor go back to what waits for an index whose time has come, and for those
// whose time comes soon: to go back is to read all that waits again, which is not done for each of
// many.
func (a *shipperActor) retryHeld(ctx actor.Context, now time.Time) {
	first := a.nextHold()
	if first.IsZero() || first.After(now) {
		return
	}
	a.probeStalled(ctx, now)
	for _, h := range a.holds {
		if !h.stalled && h.soon(now) {
			a.release(h)
		}
	}
}

// release has what waits for an index read again.
func (a *shipperActor) release(h *heldIndex) {
	a.goBack(h.from - 1)
	h.from, h.blocked, h.stalled = 0, false, false
}

// forgetHolds forgets the indices for which nothing waits any more.
func (a *shipperActor) forgetHolds() {
	for index, h := range a.holds {
		if h.from == 0 && !a.more {
			delete(a.holds, index)
		}
	}
}

// nextHold returns when the first index is tried again; the zero time where none waits.
func (a *shipperActor) nextHold() (at time.Time) {
	for _, h := range a.holds {
		if h.from > 0 && (!h.stalled || !a.probing) && (at.IsZero() || h.until.Before(at)) {
			at = h.until
		}
	}
	return at
}

// blocked returns the indices that are left alone for now, for a goroutine.
func (a *shipperActor) blocked() map[string]bool {
	var blocked map[string]bool
	for index, h := range a.holds {
		if h.blocked {
			if blocked == nil {
				blocked = map[string]bool{}
			}
			blocked[index] = true
		}
	}
	return blocked
}

// openCluster makes a client of the configuration that waits so long for an answer (0: as long as a
// busy cluster may need); nil where no endpoint is set.
func (s *System) openCluster(config *messages.Config, patience time.Duration) (bulkClient, error) {
	endpoint, wanted := shippingTo(config)
	if !wanted {
		return nil, nil
	}
	client, err := s.opt.openCluster(opensearch.Config{
		Endpoints: strings.Split(endpoint, ","), User: config.Text(messages.ParamOpenSearchUser),
		Password:    config.Secret(messages.ParamOpenSearchPass).Reveal(),
		Token:       config.Secret(messages.ParamOpenSearchToken).Reveal(),
		CAFile:      config.Text(messages.ParamOpenSearchCA),
		Fingerprint: config.Text(messages.ParamOpenSearchPin),
		UserAgent:   "gustyd/" + s.opt.Build.Version, Getenv: s.opt.Getenv, Timeout: patience,
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// sameCluster reports whether nothing changed that a client is made of.
func sameCluster(a, b *messages.Config) bool {
	for _, name := range []string{
		messages.ParamEndpoint, messages.ParamOpenSearchUser, messages.ParamOpenSearchPass,
		messages.ParamOpenSearchToken,
		messages.ParamOpenSearchCA, messages.ParamOpenSearchPin,
	} {
		if a.Text(name) != b.Text(name) {
			return false
		}
	}
	return true
}
