package actors

import (
	"fmt"
	"time"

	"gusty/messages"
)

// shippingState is what others may know of the shipper without asking it. It is immutable.
type shippingState struct {
	state     string
	lastError string
	lastAt    time.Time
	recent    rateMeter
	standing  messages.OutboxStanding // as of the last look
	nextTry   time.Time               // zero: nothing is put off
}

// outcomeOfShipping is what the shipper remembers for the state.
type outcomeOfShipping struct {
	errorText string
	errorAt   time.Time
	recent    rateMeter
	at        time.Time               // of the last delivery
	idle      bool                    // connections were closed since
	standing  messages.OutboxStanding // as of the last look
	known     bool                    // standing is
}

func (o *outcomeOfShipping) fail(text string, now time.Time) { o.errorText, o.errorAt = text, now }

// rateMeter counts documents in spans of ten seconds over the last minute.
type rateMeter struct {
	spans [6]uint64
	last  int64 // number of the newest span since 1970
}

const rateSpan = 10

func (m *rateMeter) add(n uint64, now time.Time) {
	m.forget(now)
	m.spans[m.last%int64(len(m.spans))] += n
}

// forget empties the spans that are older than a minute; all of them where the clock was set back.
func (m *rateMeter) forget(now time.Time) {
	span := now.Unix() / rateSpan
	if span < m.last {
		*m = rateMeter{}
	}
	for i := max(m.last+1, span-int64(len(m.spans))+1); i <= span; i++ {
		m.spans[i%int64(len(m.spans))] = 0
	}
	m.last = max(m.last, span)
}

// rate returns documents a second.
func (m rateMeter) rate(now time.Time) float64 {
	m.forget(now)
	sum := uint64(0)
	for _, n := range m.spans {
		sum += n
	}
	return float64(sum) / float64(rateSpan*len(m.spans))
}

// publish makes the state known.
func (a *shipperActor) publish() {
	a.system.shipping.Store(&shippingState{
		state: a.state(), lastError: a.last.errorText, lastAt: a.last.errorAt,
		recent: a.last.recent, standing: a.last.standing,
		nextTry: a.nextTry(),
	})
}

// nextTry returns when what is put off is tried again.
func (a *shipperActor) nextTry() time.Time {
	if a.client != nil && a.breaker.open() {
		return a.breaker.until
	}
	return a.nextHold()
}

// state returns how shipping stands, in words.
func (a *shipperActor) state() string {
	until := a.breaker.until.UTC().Format(time.RFC3339)
	switch {
	case a.breaker.misconfigured != "":
		return "paused: " + a.breaker.misconfigured
	case a.client == nil:
		return "disabled: no endpoint is set (parameter " + messages.ParamEndpoint + ")"
	case a.breaker.paused:
		return fmt.Sprintf("paused: %s; tried again at %s, or when the configuration changes",
			a.breaker.reason, until)
	case a.breaker.denied != "":
		again := a.nextHold().UTC().Format(time.RFC3339)
		return fmt.Sprintf("paused: %s; tried again at %s, or when the configuration changes",
			a.breaker.denied, again)
	case a.breaker.asked != "":
		return fmt.Sprintf("backing off until %s: %s", until, a.breaker.asked)
	case a.breaker.open():
		return fmt.Sprintf("backing off until %s: %s", until, a.breaker.reason)
	}
	for index, h := range a.holds {
		if h.from > 0 {
			return fmt.Sprintf("shipping, but documents for %s wait until %s: %s", index,
				h.until.UTC().Format(time.RFC3339), h.reason)
		}
	}
	return "shipping"
}

// completeStanding adds what the shipper knows to what the store knows.
func (s *System) completeStanding(standing *messages.OutboxStanding, now time.Time) {
	state := s.shipping.Load()
	if state == nil {
		standing.State = "starting"
		return
	}
	standing.State, standing.LastError, standing.LastAt = state.state, state.lastError, state.lastAt
	standing.Rate, standing.NextTryAt = state.recent.rate(now), state.nextTry
}
