package api

import (
	"context"
	"time"

	"gusty/messages"
)

// gate lets a few do at a time what costs much. Others wait for their turn, but not for long.
type gate struct {
	places chan struct{}
	wait   time.Duration
	what   string // is busy, where nobody leaves in time
}

func newGate(atOnce int, wait time.Duration, what string) *gate {
	return &gate{places: make(chan struct{}, atOnce), wait: wait, what: what}
}

// enter waits for a place; leave gives it back.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.places <- struct{}{}:
		return g.leave, nil
	default:
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return g.leave, nil
	case <-timer.C:
		return nil, messages.Busy(g.what)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) leave() { <-g.places }
