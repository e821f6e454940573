package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// fakeCluster is a cluster that answers as a test says.
type fakeCluster struct {
	mu     sync.Mutex
	answer func(item sentItem) opensearch.Item // nil: all are taken
	// asked before the items; nil: no request fails whole
	whole func(batch int) error
	// how long the answer to a request takes, by its number from 1; nil: no time
	slow func(request int) time.Duration
	// indices whose shards are not there: a request with documents for them is answered when the
	// server's patience is over
	missing map[string]bool
	asked   map[string]int // by index: requests with documents for it
	indexOf func(id string) string
	batches []int       // how many documents each request had
	at      []time.Time // when it came
}

// sentItem is a document's place in a request, and its index.
type sentItem struct {
	place, of int
	index     string
}

// shardPatience is how long the fake cluster waits for a shard.
const shardPatience = 10 * time.Second

// deadCluster answers nothing.
func deadCluster() *fakeCluster {
	return &fakeCluster{whole: func(int) error { return errors.New("connection refused") }}
}

// client is a client of the fake cluster.
func (c *fakeCluster) client() bulkClient { return &fakeClient{c} }

type fakeClient struct{ *fakeCluster }

func (c *fakeClient) Bulk(ctx context.Context, b *opensearch.Batch,
	each func(int, opensearch.Item),
) error {
	items, wait, err := c.take(b)
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	for i, item := range items {
		each(i, item)
	}
	return cmp.Or(err, ctx.Err())
}

// take returns the answer to a request, and how long that takes.
func (c *fakeCluster) take(b *opensearch.Batch) (items []opensearch.Item, wait time.Duration,
	err error,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches, c.at = append(c.batches, b.Len()), append(c.at, time.Now())
	if c.whole != nil {
		if err := c.whole(b.Len()); err != nil {
			return nil, 0, err
		}
	}
	if c.slow != nil {
		wait = c.slow(len(c.batches))
	}
	asked := map[string]bool{}
	for i, id := range b.IDs() {
		item, index := opensearch.Item{Status: 201}, c.indexOf(id)
		if c.answer != nil {
			item = c.answer(sentItem{i, b.Len(), index})
		}
		if c.missing[index] {
			item, wait = opensearch.Item{
				Status: 503,
				Type:   "unavailable_shards_exception",
			}, shardPatience
		}
		items, asked[index] = append(items, item), true
	}
	for index := range asked {
		c.asked[index]++
	}
	return items, wait, nil
}

// requestsFor returns how many requests had documents for an index.
func (c *fakeCluster) requestsFor(index string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[index]
}

func (c *fakeClient) Do(context.Context, string, string, []byte) (int, []byte, error) {
	return 0, nil, errors.New("this cluster takes bulk requests only")
}
func (c *fakeClient) Endpoint() string { return "http://fake" }
func (c *fakeClient) CloseIdle()       {}
func (c *fakeClient) Close()           {}

func (c *fakeCluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *fakeCluster) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.batches)
}

// cluster returns the tree of a test a fake cluster, and an endpoint.
func (w *world) cluster() *fakeCluster {
	c := &fakeCluster{asked: map[string]int{}, indexOf: w.store.indexOf}
	w.options.openCluster = func(opensearch.Config) (bulkClient, error) { return c.client(), nil }
	w.store.parameters[messages.ParamEndpoint] = "http://fake"
	w.store.parameters[messages.ParamHeartbeatInterval] = "86400"
	return c
}

// queue commits documents for an index.
func (w *world) queue(index string, n int) {
	w.t.Helper()
	for range n {
		document := messages.Document{ID: newID(), Class: messages.DocumentHealth, Index: index, QueuedAt: time.Now(), Body: []byte(`{"a":1}`)}
		w.sys.opt.Store.Submit(messages.Change{Rows: []messages.Row{messages.DocumentRow{
			Document:   document,
			LimitBytes: 1,
		}}}, func(messages.Committed) {})
	}
}

// queueLong commits a document of a run's output; in so many pieces, or one that does not open.
func (w *world) queueLong(index string, pieces int) {
	w.t.Helper()
	document := messages.Document{
		ID: newID(), Class: messages.DocumentOutput, Index: index, QueuedAt: time.Now(), Body: []byte(`{"message":""}`),
		Output: &messages.OutputRef{RunID: newID(), Stream: messages.Stdout},
	}
	if pieces > 0 {
		w.store.keepOutput(document.Output.RunID, pieces)
	}
	w.sys.opt.Store.Submit(
		messages.Change{Rows: []messages.Row{messages.DocumentRow{Document: document}}},
		func(messages.Committed) {})
}

func (w *world) standing() messages.OutboxStanding {
	w.t.Helper()
	return ask[messages.OutboxStanding](w, messages.GetOutbox{})
}

// expectOutbox fails the test where the outbox stands otherwise.
func (w *world) expectOutbox(waiting, shipped, dead uint64, state string) {
	w.t.Helper()
	o := w.standing()
	if o.Waiting != waiting || o.Shipped != shipped || o.Dead != dead ||
		!strings.HasPrefix(o.State, state) {
		w.t.Errorf("the outbox is %s, want %d waiting, %d shipped, %d dead, %q\n%s",
			describeOutbox(&o), waiting, shipped, dead, state, w.log)
	}
}

func describeOutbox(o *messages.OutboxStanding) string {
	return fmt.Sprintf("%d waiting, %d shipped, %d dead, %q", o.Waiting, o.Shipped, o.Dead, o.State)
}

// limitDocuments makes the outbox hold at most so many.
func (s *memStore) limitDocuments(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
}

// indexOf returns for which index a document, or a part of one, was queued.
func (s *memStore) indexOf(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.indices[id[:len(newID())]]
}

// lossesTold returns how many lost documents each notice told of.
func (s *memStore) lossesTold() (told []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commits {
		for _, row := range c.change.Rows {
			if loss, ok := row.(messages.LossTold); ok {
				told = append(told, loss.Count)
			}
		}
	}
	return told
}

// keepOutput has the store give so many pieces as a run's output.
func (s *memStore) keepOutput(runID string, pieces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.long == nil {
		s.long = map[string]int{}
	}
	s.long[runID] = pieces
}
