package actors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// bulkClient is what the shipper needs of a cluster.
type bulkClient interface {
	Bulk(ctx context.Context, b *opensearch.Batch, each func(i int, item opensearch.Item)) error
	Do(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)
	Endpoint() string
	CloseIdle()
	Close()
}

// maxLong is how many documents with long output one delivery takes.
const maxLong = 16

// delivery is one batch on its way: a goroutine of its own reads it from the outbox, sends it, and
// tells the shipper what became of each document. Long output makes it several requests.
type delivery struct {
	number     uint64
	client     bulkClient
	store      Store
	after      uint64          // it begins behind this sequence
	blocked    map[string]bool // indices that are not tried now
	only       map[string]bool // indices that one document each is tried of; nil: all are sent
	maxIndices int             // for how many indices it takes documents; 0: any number
	maxRows    int
	maxBytes   int
	trips      int                         // of the shipper's breaker, when it began
	gathered   func(upTo uint64, all bool) // told once, when its documents are read

	batch    *opensearch.Batch // empty; it is used again by a later delivery
	rows     []parcel
	owner    []int // by place in the batch: the row
	long     []longOutput
	added    []int // rows of long output whose last part is in the batch
	all      bool  // nothing waits behind what it read
	narrowed bool  // documents for other indices were left where they are
	// by index: what was answered after a time that nothing more is to wait for
	stalled  map[string]opensearch.Item
	answered uint64 // documents and parts
	// why a document was refused by a 400 to a request that held nothing else; empty: none was
	alone string
	body  []byte // of the document that is added
}

// parcel is one document of the outbox with what became of it.
type parcel struct {
	key     messages.DocumentKey
	index   string
	open    bool // it is sent in parts, and not all of them were answered
	sent    bool // at least a part of it was sent and answered
	verdict opensearch.Class
	status  int
	reason  string
	crowded bool          // the server as a whole has too much to do
	stalled bool          // OpenSearch waited for the index before it answered
	asked   time.Duration // how long the server asks to wait; 0: it does not
}

// longOutput is a document whose text lies in a run's output.
type longOutput struct {
	row      int
	document messages.Document
}

// delivered is what a delivery tells the shipper.
type delivered struct {
	number   uint64
	client   bulkClient
	after    uint64
	trips    int
	probe    bool // it was to learn of indices whose shards were not there
	more     bool // it has not read all that waits
	narrowed bool // there are documents for more indices than it was allowed
	rows     []parcel
	sent     int    // bytes of the request that failed
	maxBytes int    // that its requests were to have
	err      error  // of a whole request; what rows know is true all the same
	alone    string // why a request that held one document was refused by a 400; empty: none was
	batch    *opensearch.Batch
	answered uint64 // documents, and parts of long output
	standing messages.OutboxStanding
}

func (delivered) private() {}

// carryOut is the delivery's goroutine.
func (d *delivery) carryOut(ctx context.Context) delivered {
	result := delivered{
		number: d.number, client: d.client, after: d.after, trips: d.trips, probe: d.only != nil,
		maxBytes: d.maxBytes, batch: d.batch,
	}
	err := guarded(func() error {
		if err := d.gather(); err != nil {
			return err
		}
		return d.send(ctx)
	})
	result.rows, result.err, result.alone, result.narrowed = d.rows, err, d.alone, d.narrowed
	result.more, result.answered = !d.all, d.answered
	result.sent = d.batch.Bytes()
	_ = guarded(func() (err error) { // without it nothing is known of the outbox, and nothing said
		result.standing, err = d.store.Outbox()
		return err
	})
	return result
}

// gather reads documents until the batch is full. Those with long output are read when the
// transaction is over: their output is the store's too.
func (d *delivery) gather() error {
	upTo, all := d.after, true
	indices, passed := map[string]string{}, 0
	err := d.store.Documents(d.after, func(doc messages.Document) (bool, error) {
		if len(d.rows) >= d.maxRows || d.batch.Bytes() >= d.maxBytes || len(d.long) >= maxLong {
			all = false
			return false, nil
		}
		index, known := indices[doc.Index]
		switch {
		case d.only != nil && (known || !d.only[doc.Index]), d.blocked[doc.Index]:
			if !d.narrowed {
				upTo = doc.Sequence
			}
			return true, nil
		case !known && d.maxIndices > 0 && len(indices) >= d.maxIndices:
			d.narrowed, all = true, false
			passed++
			return passed < maxBatchRows, nil
		case !known:
			index = doc.Index
			indices[index] = index
		}
		if !d.narrowed {
			upTo = doc.Sequence
		}
		d.rows = append(d.rows, parcel{key: doc.Key(), index: index})
		if doc.Output != nil {
			d.rows[len(d.rows)-1].open = true
			doc.Body = bytes.Clone(doc.Body)
			d.long = append(d.long, longOutput{len(d.rows) - 1, doc})
			return true, nil
		}
		d.body = appendWithSequence(d.body[:0], doc.Body, doc.Sequence)
		d.add(len(d.rows)-1, doc.ID, d.body)
		return true, nil
	})
	d.all = all && err == nil
	d.gathered(upTo, d.all)
	return err
}

// appendWithSequence appends a document's JSON, with its sequence as one more field.
func appendWithSequence(to, body []byte, sequence uint64) []byte {
	to = append(to, body...)
	if len(body) < 2 || body[len(body)-1] != '}' {
		return to
	}
	to = to[:len(to)-1]
	if len(body) > 2 {
		to = append(to, ',')
	}
	to = append(to, `"sequence":`...)
	to = strconv.AppendUint(to, sequence, 10)
	return append(to, '}')
}

func (d *delivery) add(row int, id string, body []byte) {
	d.batch.Add(d.rows[row].index, id, body)
	d.owner = append(d.owner, row)
}

// send sends what was gathered, and then the parts of long output.
func (d *delivery) send(ctx context.Context) error {
	for _, l := range d.long {
		if item, stalled := d.stalled[d.rows[l.row].index]; stalled {
			d.rows[l.row].note(&item)
			continue
		}
		if err := d.addOutput(ctx, l.row, &l.document); err != nil {
			return err
		}
		d.added = append(d.added, l.row)
	}
	return d.post(ctx)
}

// post sends the batch and notes what became of its documents. One that is refused alone is refused
// for good.
func (d *delivery) post(ctx context.Context) error {
	if d.batch.Len() == 0 {
		return nil
	}
	err := d.client.Bulk(ctx, d.batch, func(i int, item opensearch.Item) {
		p := &d.rows[d.owner[i]]
		p.note(&item)
		d.answered++
		if item.Stalled() {
			if d.stalled == nil {
				d.stalled = map[string]opensearch.Item{}
			}
			d.stalled[p.index] = item
		}
	})
	if status, ok := errors.AsType[*opensearch.StatusError](err); ok && d.batch.Len() == 1 {
		if class := status.Class(); class == opensearch.TooLarge || class == opensearch.Refused {
			d.rows[d.owner[0]].note(&opensearch.Item{
				Status: status.Status,
				Type:   status.Type,
				Reason: reasonAlone(status),
			})
			err = nil
			if class == opensearch.Refused {
				d.alone = reasonAlone(status)
			}
		}
	}
	if err != nil {
		return err
	}
	for _, row := range d.added {
		d.rows[row].open = false
	}
	d.batch.Reset()
	d.owner, d.added = d.owner[:0], d.added[:0]
	return nil
}

func reasonAlone(e *opensearch.StatusError) string {
	if e.Reason != "" {
		return e.Reason
	}
	if e.Class() == opensearch.TooLarge {
		return "the document alone is over the server's limit of a request"
	}
	return e.Error()
}

// note keeps the worst of what became of a document's parts: what must be tried again goes before
// what was refused.
func (p *parcel) note(item *opensearch.Item) {
	class := item.Class()
	if class == opensearch.TooLarge {
		class = opensearch.Refused
	}
	weight := func(c opensearch.Class) int {
		switch c {
		case opensearch.Delivered:
			return 0
		case opensearch.Refused:
			return 1
		case opensearch.Denied:
			return 2
		default:
			return 3
		}
	}
	if !p.sent || weight(class) > weight(p.verdict) {
		p.verdict, p.status, p.reason, p.crowded = class, item.Status, item.Reason, item.Overload()
		p.asked, p.stalled = item.RetryAfter, item.Stalled()
	}
	p.sent = true
}

// addOutput adds the parts of a document whose text lies in a run's output, and posts whenever the
// batch is full. Output that cannot be read, or not to its end, holds up nothing: the document says
// so.
func (d *delivery) addOutput(ctx context.Context, row int, doc *messages.Document) error {
	var body applicationLog
	if err := json.Unmarshal(doc.Body, &body); err != nil {
		return fmt.Errorf("read a document of the outbox: %w", err)
	}
	p := &parts{stream: doc.Output.Stream, redactor: newRedactor(doc.Output.Secrets)}
	var failed error // of a request
	p.give = func(part int, text string) error {
		body.Message, body.Part, body.Sequence = text, part, doc.Sequence
		data, err := json.Marshal(&body)
		if err != nil {
			return err
		}
		if d.batch.Len() > 0 && d.batch.Bytes()+len(data) > d.maxBytes {
			if failed = d.post(ctx); failed != nil {
				return failed
			}
		}
		if _, stalled := d.stalled[doc.Index]; stalled {
			return errStalled
		}
		d.add(row, partID(doc.ID, part), data)
		return nil
	}
	err := d.store.EachOutput(doc.Output.RunID, p.add)
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, errStalled):
		return nil
	case isExhausted(err):
		return fmt.Errorf("read the output of run %s: %w", doc.Output.RunID, err)
	case messages.CodeOf(err) == messages.CodeNotFound:
		p.remark("[the output was removed with its run before it could be sent]")
	case err != nil:
		p.remark("[the rest of the output cannot be read]")
	}
	if err = p.end(); errors.Is(err, errStalled) {
		return nil
	}
	return err
}

// errStalled ends the reading of output whose index does not take it.
var errStalled = errors.New("the index takes nothing")

// isExhausted reports whether the process or the host has too many files open, which passes.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// partID returns the id of a part, which is the same at each attempt.
func partID(id string, part int) string {
	if part == 1 {
		return id
	}
	return id + "-" + strconv.Itoa(part)
}

// change returns what of the result becomes durable: the documents that arrived go, the refused
// ones become dead letters.
func (r *delivered) change(limitBytes int64, now time.Time) messages.Change {
	change := messages.Change{Origin: messages.OriginAgent()}
	var shipped messages.DocumentsShipped
	for i := range r.rows {
		switch p := &r.rows[i]; {
		case !p.settled():
		case p.verdict == opensearch.Delivered:
			shipped.Keys = append(shipped.Keys, p.key)
		case p.verdict == opensearch.Refused:
			change.Rows = append(change.Rows, messages.DocumentRefused{
				Key: p.key, Status: p.status, Reason: p.reason, At: now, LimitBytes: limitBytes,
			})
		}
	}
	if len(shipped.Keys) > 0 {
		change.Rows = append(change.Rows, shipped)
	}
	return change
}

// arrived returns how many documents are in OpenSearch, each whole.
func (r *delivered) arrived() (n uint64) {
	for i := range r.rows {
		if p := &r.rows[i]; p.settled() && p.verdict == opensearch.Delivered {
			n++
		}
	}
	return n
}

// crowded reports whether the server has too much to do for a part of it: nothing is sent before
// that is concluded from.
func (r *delivered) crowded() bool {
	return slices.ContainsFunc(r.rows, func(p parcel) bool { return p.crowded })
}

// settled reports whether it is known what became of the whole document. Of long output, parts may
// not have been sent where a request failed.
func (p *parcel) settled() bool { return p.sent && !p.open }
