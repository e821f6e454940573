package api

import (
	"encoding/json"
	"math"
	"strings"

	"gusty/messages"
)

// outboxAnswer is what waits for OpenSearch, and what became of the rest.
type outboxAnswer struct {
	State            string  `json:"state"`
	Waiting          uint64  `json:"waiting"`
	Bytes            uint64  `json:"bytes"`
	OldestAt         *string `json:"oldest_at" schema:"format=date-time"`
	OldestAgeSeconds *int64  `json:"oldest_age_seconds"`
	Rate             float64 `json:"shipped_per_second"` // over the last minute
	Shipped          uint64  `json:"shipped"`
	Refused          uint64  `json:"refused"`
	Dead             uint64  `json:"dead_letters"` // of those refused, kept
	Dropped          uint64  `json:"dropped"`
	LastError        *string `json:"last_error"`
	LastErrorAt      *string `json:"last_error_at" schema:"format=date-time"`
	NextTryAt        *string `json:"next_try_at" schema:"format=date-time"` // while something is tried again later
}

func getOutbox(r *request) error {
	o, err := ask[messages.OutboxStanding](r, messages.GetOutbox{})
	if err != nil {
		return err
	}
	out := outboxAnswer{
		State: o.State, Waiting: o.Waiting, Bytes: o.Bytes, OldestAt: timeOrNull(o.OldestAt),
		Rate:    thousandths(o.Rate),
		Shipped: o.Shipped, Refused: o.Refused, Dead: o.Dead, Dropped: o.Dropped,
		LastError: textOrNull(o.LastError), LastErrorAt: timeOrNull(o.LastAt),
		NextTryAt: timeOrNull(o.NextTryAt),
	}
	if !o.OldestAt.IsZero() {
		age := max(int64(r.start.Sub(o.OldestAt).Seconds()), 0)
		out.OldestAgeSeconds = &age
	}
	return r.ok(out)
}

// thousandths rounds a figure for reading.
func thousandths(value float64) float64 { return math.Round(finite(value)*1000) / 1000 }

// deadAnswer is a document that OpenSearch refused.
type deadAnswer struct {
	ID        string         `json:"id" schema:"format=uuid"`
	Class     string         `json:"class"`
	Index     string         `json:"index"`
	QueuedAt  *string        `json:"queued_at" schema:"format=date-time"`
	RefusedAt *string        `json:"refused_at" schema:"format=date-time"`
	Status    int            `json:"status"`
	Reason    string         `json:"reason"`
	RunID     *string        `json:"run_id" schema:"format=uuid"` // where the text lies in a run's output
	Bytes     int            `json:"bytes"`
	Document  map[string]any `json:"document"`
}

type deadPage struct {
	Items []deadAnswer `json:"items"`
	Next  *string      `json:"next"` // the next page's ?before=
}

func listDead(r *request) error {
	page, err := ask[messages.DeadPage](r, messages.ListDead{
		Before: strings.ToLower(r.queryText("before")),
		Limit:  r.queryInt("limit"),
	})
	if err != nil {
		return err
	}
	out := deadPage{Items: make([]deadAnswer, 0, len(page.Letters)), Next: textOrNull(page.Next)}
	for i := range page.Letters {
		out.Items = append(out.Items, newDeadAnswer(&page.Letters[i]))
	}
	return r.ok(out)
}

func newDeadAnswer(l *messages.DeadLetter) deadAnswer {
	d := &l.Document
	out := deadAnswer{
		ID: d.ID, Class: d.Class.String(), Index: d.Index, QueuedAt: timeOrNull(d.QueuedAt),
		RefusedAt: timeOrNull(l.At),
		Status:    l.Status, Reason: l.Reason, Bytes: len(d.Body), Document: map[string]any{},
	}
	if err := json.Unmarshal(d.Body, &out.Document); err != nil {
		out.Document["unreadable"] = err.Error() // what makes documents writes nothing but JSON
	}
	if d.Output != nil {
		out.RunID = textOrNull(d.Output.RunID)
	}
	return out
}

// deadID returns the path's id. What is no id is the id of no dead letter.
func (r *request) deadID() (string, error) {
	if !isID(r.param) {
		return "", messages.Errorf(messages.CodeNotFound, "there is no such dead letter; its id "+
			"is a UUID")
	}
	return strings.ToLower(r.param), nil
}

func retryDead(r *request) error {
	id, err := r.deadID()
	if err != nil {
		return err
	}
	if _, err := ask[messages.DeadSettled](r, messages.RetryDead{
		ID:     id,
		Origin: r.origin(),
	}); err != nil {
		return err
	}
	return r.ok(done("Document queued again"))
}

func deleteDead(r *request) error {
	id, err := r.deadID()
	if err != nil {
		return err
	}
	if _, err := ask[messages.DeadSettled](r, messages.DeleteDead{
		ID:     id,
		Origin: r.origin(),
	}); err != nil {
		return err
	}
	return r.ok(done("Document deleted"))
}
