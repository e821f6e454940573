package api

import "gusty/messages"

// outboxAnswer is what waits for OpenSearch, and what became of the rest.
type outboxAnswer struct {
	State            string  `json:"state"`
	Waiting          uint64  `json:"waiting"`
	Bytes            uint64  `json:"bytes"`
	OldestAt         *string `json:"oldest_at" schema:"format=date-time"`
	OldestAgeSeconds *int64  `json:"oldest_age_seconds"`
	Shipped          uint64  `json:"shipped"`
	Refused          uint64  `json:"refused"`
	Dropped          uint64  `json:"dropped"`
	LastError        *string `json:"last_error"`
}

func getOutbox(r *request) error {
	o, err := ask[messages.OutboxStanding](r, messages.GetOutbox{})
	if err != nil {
		return err
	}
	out := outboxAnswer{
		State: o.State, Waiting: o.Waiting, Bytes: o.Bytes, OldestAt: timeOrNull(o.OldestAt),
		Shipped: o.Shipped, Refused: o.Refused, Dropped: o.Dropped, LastError: textOrNull(o.LastError),
	}
	if !o.OldestAt.IsZero() {
		age := max(int64(r.start.Sub(o.OldestAt).Seconds()), 0)
		out.OldestAgeSeconds = &age
	}
	return r.ok(out)
}
