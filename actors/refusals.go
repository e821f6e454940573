package actors

import (
	"fmt"
	"time"

	"gusty/internal/opensearch"
)

// refusalsToldEvery is how often at most the log tells of refused documents.
const refusalsToldEvery = time.Minute

// refusals are the documents that OpenSearch refused for good and that the log does not tell of
// yet.
type refusals struct {
	untold uint64
	last   parcel // the last of them
	toldAt time.Time
}

// noteRefused makes a refusal the last error, and tells the log.
func (a *shipperActor) noteRefused(r *delivered, now time.Time) {
	before := a.refused.untold
	for i := range r.rows {
		if p := &r.rows[i]; p.settled() && p.verdict == opensearch.Refused {
			a.refused.untold++
			a.refused.last = *p
		}
	}
	if a.refused.untold > before {
		last := &a.refused.last
		a.last.fail(fmt.Sprintf("a document for %s was refused for good with %d: %s", last.index,
			last.status, last.reason), now)
	}
	a.tellRefused(now)
}

// tellRefused logs how many documents were refused since the last line about it, where that is long
// enough ago.
func (a *shipperActor) tellRefused(now time.Time) {
	if a.refused.untold == 0 || now.Sub(a.refused.toldAt) < refusalsToldEvery {
		return
	}
	last := &a.refused.last
	a.system.log.Warn("OpenSearch refused documents for good; they are kept as dead letters",
		"actor", nameShipper, "documents", a.refused.untold,
		"last_index", last.index, "last_status", last.status, "last_reason", last.reason, "remedy",
		"gustyctl outbox dead ls")
	a.refused.untold, a.refused.toldAt = 0, now
}
