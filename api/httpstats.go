package api

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"gusty/messages"
)

// httpStats counts answers by route and status, and how long they took. Everything is an atomic
// counter: no request waits for another here.
type httpStats struct {
	total atomic.Uint64
	// by route in the order of the table, one more for what has no route; then by status
	routes [][]atomic.Uint64
	took   []atomic.Uint64 // by bucket
	micros atomic.Uint64   // in all
}

// How many statuses and bounds there are.
const (
	statusCount = 18
	boundCount  = 9
)

// countedStatuses are those that the server can give; what is none of them counts as the last.
func countedStatuses() [statusCount]int {
	return [...]int{
		http.StatusOK, http.StatusAccepted, http.StatusBadRequest, http.StatusUnauthorized,
		http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusConflict,
		http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, http.StatusNoContent,
		http.StatusInternalServerError,
	}
}

// durationBounds are the upper bounds of the request histogram, in seconds.
func durationBounds() [boundCount]float64 {
	return [...]float64{0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10}
}

func newHTTPStats(routes int) *httpStats {
	h := &httpStats{
		routes: make([][]atomic.Uint64, routes+1),
		took:   make([]atomic.Uint64, boundCount+1),
	}
	for i := range h.routes {
		h.routes[i] = make([]atomic.Uint64, statusCount)
	}
	return h
}

func (h *httpStats) count(place, status int, took time.Duration) {
	statuses := countedStatuses()
	at := slices.Index(statuses[:], status)
	if at < 0 {
		at = len(statuses) - 1
	}
	h.total.Add(1)
	h.routes[place][at].Add(1)
	bounds := durationBounds()
	bucket, _ := slices.BinarySearch(bounds[:], took.Seconds())
	h.took[bucket].Add(1)
	h.micros.Add(uint64(max(took.Microseconds(), 0)))
}

// durations returns the histogram of all requests, in seconds.
func (h *httpStats) durations() messages.Histogram {
	bounds := durationBounds()
	out := messages.Histogram{
		Bounds: bounds[:],
		Counts: make([]uint64, len(h.took)),
		Sum:    float64(h.micros.Load()) / 1e6,
	}
	for i := range h.took {
		out.Counts[i] = h.took[i].Load()
	}
	return out
}
