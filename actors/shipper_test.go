package actors

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// shippingWorld runs a test on a tree that ships to a fake cluster.
func shippingWorld(t *testing.T, test func(*world, *fakeCluster)) {
	t.Helper()
	var c *fakeCluster
	inBubble(t, func(w *world) { c = w.cluster() }, func(w *world) {
		// it has looked once, at its start: what is queued together is sent together
		w.advance(time.Second)
		test(w, c)
	})
}

func TestShipperSendsWhatIsQueued(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		w.queue("a", 3)
		w.advance(linger - time.Millisecond)
		w.expectOutbox(3, 0, 0, "shipping")
		w.advance(2 * time.Millisecond)
		w.expectOutbox(0, 3, 0, "shipping")
		w.queue("a", 12_000)
		w.advance(5 * time.Second)
		w.expectOutbox(0, 12_003, 0, "shipping")
		for _, n := range c.batches {
			if n > maxBatchRows {
				t.Errorf("a batch had %d documents", n)
			}
		}
	})
}

// Documents that come one by one, each before the last one's time has come, are not kept waiting by
// those behind them.
func TestShipperKeepsUpWithADrizzle(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		w.advance(time.Second)
		const seconds = 3
		for range 2 * seconds * time.Second / linger {
			w.queue("a", 1)
			w.advance(linger / 2)
			if o := w.standing(); o.Waiting > 2 {
				t.Fatalf("the outbox is %s", describeOutbox(&o))
			}
		}
		if n := c.requests(); n > int(seconds*time.Second/linger) {
			t.Errorf("%d requests in %d seconds: they do not wait for each other", n, seconds)
		}
	})
}

// heldStore is a store whose readers of documents have a function called before each.
type heldStore struct {
	*memStore
	before func(after uint64)
}

func (s *heldStore) Documents(after uint64, each func(messages.Document) (bool, error)) error {
	return s.memStore.Documents(after, func(d messages.Document) (bool, error) {
		s.before(after)
		return each(d)
	})
}

// While a delivery reads, another one that is answered does not let a third one read the same.
func TestShipperReadsNothingTwice(t *testing.T) {
	var c *fakeCluster
	var letGo chan struct{}
	prepare := func(w *world) {
		c, letGo = w.cluster(), make(chan struct{})
		var held atomic.Bool
		w.options.Store = &heldStore{w.store, func(after uint64) {
			if after > 0 && held.CompareAndSwap(false, true) {
				<-letGo
			}
		}}
	}
	inBubble(t, prepare, func(w *world) {
		w.advance(time.Second) // it has looked once, at its start
		w.queue("a", maxBatchRows)
		w.advance(time.Second)
		if n := c.requests(); n != 1 {
			t.Errorf("%d requests, of which the second reads", n)
		}
		close(letGo)
		w.advance(time.Second)
		w.expectOutbox(0, maxBatchRows, 0, "shipping")
		sent := 0
		for _, n := range c.batches {
			sent += n
		}
		if sent != maxBatchRows {
			t.Errorf("%d documents were sent, of %d", sent, maxBatchRows)
		}
	})
}

// A dead cluster is asked less and less often, one small batch at a time, and gets all when it is
// back.
func TestShipperBacksOff(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() { c.whole = func(int) error { return errors.New("connection refused") } })
		w.queue("a", 1000)
		w.advance(10 * time.Minute)
		w.expectOutbox(1000, 0, 0, "backing off until ")
		if next := time.Until(w.standing().NextTryAt); next <= 0 || next > longestDelay {
			t.Errorf("the next try is in %s", next)
		}
		if n := c.requests(); n < 15 || n > 60 {
			t.Errorf("%d requests in ten minutes", n)
		}
		for i, n := range c.batches[2:] { // two were on their way when the first failed
			if n > probeRows {
				t.Errorf("probe %d had %d documents", i, n)
			}
		}
		if gap := c.at[len(c.at)-1].Sub(c.at[len(c.at)-2]); gap < longestDelay/2 ||
			gap > longestDelay {
			t.Errorf("the last two were %s apart", gap)
		}
		c.set(func() { c.whole = nil })
		w.advance(longestDelay + 5*time.Second)
		w.expectOutbox(0, 1000, 0, "shipping")
	})
}

func TestShipperObeysRetryAfter(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.whole = func(int) error {
				return &opensearch.StatusError{Status: 429, RetryAfter: 2 * time.Minute}
			}
		})
		w.queue("a", 1)
		w.advance(2*time.Minute - time.Second)
		if n := c.requests(); n != 1 {
			t.Errorf("%d requests before the time that the server asked for", n)
		}
		w.advance(3 * time.Second)
		if n := c.requests(); n != 2 {
			t.Errorf("%d requests after it", n)
		}
	})
}

// What was taken before the server asked for time, and is noted only after that, does not shorten
// it.
func TestShipperObeysRetryAfterWhenAnEarlierBatchIsNotedLater(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		first := true
		c.set(func() {
			c.whole = func(int) error {
				if first {
					first = false
					return nil
				}
				return &opensearch.StatusError{Status: 429, RetryAfter: 2 * time.Minute}
			}
		})
		w.queue("a", 2*maxBatchRows)
		synctest.Wait()
		unblock := w.store.block()
		w.advance(time.Second)
		asked := c.requests()
		unblock()
		w.advance(2*time.Minute - 2*time.Second)
		if o := w.standing(); o.Shipped == 0 || c.requests() != asked {
			t.Errorf("%s; %d requests before the time that the server asked for, and %d of them "+
				"before the first was noted", describeOutbox(&o), c.requests(), asked)
		}
		w.advance(3 * time.Second)
		if n := c.requests(); n != asked+1 {
			t.Errorf("%d requests after it, %d before", n, asked)
		}
	})
}

// The same where it takes a part of a batch, and asks for time beside the rest.
func TestShipperObeysRetryAfterOfItemsWhenAnEarlierBatchIsAnsweredLater(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.slow = func(request int) time.Duration {
				return map[int]time.Duration{1: time.Second}[request]
			}
			c.answer = func(item sentItem) opensearch.Item {
				if len(c.batches) == 2 && item.place%2 == 1 {
					return opensearch.Item{
						Status:     429,
						Type:       "rejected_execution_exception",
						RetryAfter: 2 * time.Minute,
					}
				}
				return opensearch.Item{Status: 201}
			}
		})
		w.queue("a", 2*maxBatchRows)
		w.advance(2*time.Minute - time.Second)
		if n := c.requests(); n != 2 {
			t.Errorf("%d requests before the time that the server asked for", n)
		}
		w.advance(10 * time.Second)
		w.expectOutbox(0, 2*maxBatchRows, 0, "shipping")
	})
}

// Documents that the server does not take now, with a time to come back, are left alone for so
// long; for an hour at most.
func TestShipperObeysRetryAfterOfItems(t *testing.T) {
	for kind, asked := range map[string]time.Duration{
		"cluster_block_exception":      2 * time.Minute,
		"rejected_execution_exception": 3 * maxRetryAfter,
	} {
		shippingWorld(t, func(w *world, c *fakeCluster) {
			c.set(func() {
				c.answer = func(sentItem) opensearch.Item {
					return opensearch.Item{Status: 429, Type: kind, RetryAfter: asked}
				}
			})
			w.queue("a", 1)
			wait := min(asked, maxRetryAfter)
			w.advance(wait - time.Second)
			if n := c.requests(); n != 1 {
				t.Errorf("%s: %d requests before the time that the server asked for", kind, n)
			}
			w.advance(3 * time.Second)
			if n := c.requests(); n != 2 {
				t.Errorf("%s: %d requests after it", kind, n)
			}
		})
	}
}

// An index is tried again with others whose time has come, but no sooner than the server asks for
// it.
func TestShipperObeysRetryAfterBesideOthers(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		const asked = 40 * time.Second
		var last time.Time
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				item := opensearch.Item{Status: 429, Type: "cluster_block_exception"}
				if i.index == "a" {
					if now := time.Now(); now.Sub(last) < asked {
						t.Errorf("it is tried again after %s", now.Sub(last))
					}
					last, item.RetryAfter = time.Now(), asked
				}
				return item
			}
		})
		w.queue("a", 1)
		w.advance(7 * time.Second)
		w.queue("b", 1)
		w.advance(20 * time.Minute)
		if n := c.requestsFor("a"); n < 15 {
			t.Errorf("it is tried %d times in 20 minutes", n)
		}
	})
}

// Refusals are the last error at once, and the log tells of them once a minute, of those behind
// too.
func TestShipperTellsOfRefusals(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(sentItem) opensearch.Item {
				return opensearch.Item{Status: 400, Type: "mapping", Reason: "no such field"}
			}
		})
		const line = "OpenSearch refused documents for good"
		w.queue("a", 100)
		w.advance(2 * time.Second)
		o := w.standing()
		const want = "a document for a was refused for good with 400: no such field"
		if o.LastError != want || o.LastAt.IsZero() {
			t.Errorf("the last error is %q at %s", o.LastError, o.LastAt)
		}
		var health healthDocument
		if w.sys.addTrouble(&health); health.LastError != o.LastError || health.LastErrorAt == "" {
			t.Errorf("a health document says %+v", health)
		}
		for range 10 {
			w.queue("b", 5)
			w.advance(2 * time.Second)
		}
		if n := strings.Count(w.log.String(), line); n != 1 {
			t.Errorf("%d lines within a minute", n)
		}
		w.advance(3 * time.Minute)
		told := 0
		for _, found := range regexp.MustCompile(line+`.* documents=(\d+) last_index=[ab] last_status=400`).FindAllStringSubmatch(w.log.String(), -1) {
			n, _ := strconv.Atoi(found[1]) // it is digits
			told += n
		}
		if n := strings.Count(w.log.String(), line); n != 2 || told != 150 {
			t.Errorf("%d lines in all tell of %d documents\n%s", n, told, w.log)
		}
	})
}

// Refused credentials pause shipping for five minutes, or until the configuration changes.
func TestShipperPausesOnRefusedCredentials(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() { c.whole = func(int) error { return &opensearch.StatusError{Status: 401} } })
		w.set(messages.ParamOpenSearchUser, "writer")
		w.advance(time.Second)
		w.queue("a", 5)
		w.advance(deniedPause - time.Second)
		w.expectOutbox(5, 0, 0, `paused: the user "writer" at http://fake is refused`)
		if n := c.requests(); n != 1 {
			t.Errorf("%d requests while it is paused", n)
		}
		c.set(func() { c.whole = nil })
		w.set(messages.ParamOpenSearchPass, "right")
		w.advance(time.Second)
		w.expectOutbox(0, 5, 0, "shipping")
		c.set(func() { c.whole = func(int) error { return &opensearch.StatusError{Status: 403} } })
		w.queue("a", 1)
		w.advance(time.Minute)
		c.set(func() { c.whole = nil })
		w.advance(deniedPause)
		w.expectOutbox(0, 6, 0, "shipping")
	})
}

// Batches that the server refuses whole are cut until the document that is to blame is alone.
func TestShipperFindsTheOneThatIsRefused(t *testing.T) {
	for _, status := range []int{400, 413} {
		shippingWorld(t, func(w *world, c *fakeCluster) {
			poisoned := true
			c.set(func() {
				c.whole = func(n int) error {
					if n > 1 && !poisoned || n == 1 && !poisoned {
						return nil
					}
					if n == 1 {
						poisoned = false // that was it
					}
					return &opensearch.StatusError{
						Status: status,
						Type:   "illegal_argument_exception",
					}
				}
			})
			w.queue("a", 100)
			w.advance(time.Minute)
			w.expectOutbox(0, 99, 1, "shipping")
		})
	}
}

// A cluster that refuses each request, whatever is in it, does not make dead letters of all that
// waits: only now and then of one.
func TestShipperDoubtsThatAllAreToBlame(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.whole = func(int) error {
				return &opensearch.StatusError{
					Status: 400,
					Type:   "illegal_argument_exception",
					Reason: "explicit index in bulk is not allowed",
				}
			}
		})
		w.queue("a", 100)
		w.advance(5 * time.Minute)
		o := w.standing()
		if o.Dead < maxAlone || o.Dead > 30 || !strings.HasPrefix(o.State, "backing off until ") ||
			!strings.Contains(o.State, "explicit index") {
			t.Errorf("the outbox is %s", describeOutbox(&o))
		}
		c.set(func() { c.whole = nil })
		w.advance(time.Minute)
		w.expectOutbox(0, 100-o.Dead, o.Dead, "shipping")
	})
}

// What one cluster refused is not counted against the next.
func TestShipperDoesNotDoubtTheNextCluster(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.whole = func(int) error {
				return &opensearch.StatusError{Status: 400, Type: "illegal_argument_exception"}
			}
		})
		for range maxAlone {
			w.queue("a", 1)
			w.advance(time.Second)
		}
		w.expectOutbox(0, 0, maxAlone, "shipping")
		w.set(messages.ParamEndpoint, "http://another")
		w.queue("a", 1)
		w.advance(time.Second)
		w.expectOutbox(0, 0, maxAlone+1, "shipping")
	})
}

// A long output whose parts are refused together is cut too, down to one part at a time.
func TestShipperCutsLongOutput(t *testing.T) {
	for _, status := range []int{400, 413} {
		shippingWorld(t, func(w *world, c *fakeCluster) {
			c.set(func() {
				c.whole = func(n int) error {
					if n == 1 {
						return nil
					}
					if len(c.batches) > 100 {
						return errors.New("too many requests")
					}
					return &opensearch.StatusError{
						Status: status,
						Type:   "illegal_argument_exception",
					}
				}
			})
			w.queueLong("a", 30)
			w.advance(time.Minute)
			w.expectOutbox(0, 1, 0, "shipping")
		})
	}
}

// Whoever watches how busy the agent is hears of each part of long output: it costs as much as a
// document.
func TestShipperTellsItsWork(t *testing.T) {
	const pieces = 40
	var told atomic.Uint64
	inBubble(t, func(w *world) {
		w.cluster()
		w.options.OnShipped = func(n uint64) { told.Add(n) }
	}, func(w *world) {
		w.queue("a", 3)
		w.queueLong("a", pieces)
		w.advance(time.Second)
		w.expectOutbox(0, 4, 0, "shipping")
		if n := told.Load(); n < 3+pieces/2 || n > 3+2*pieces {
			t.Errorf("told of %d", n)
		}
	})
}

// Output that does not open holds up nothing: its document says so.
func TestShipperSendsWhatCannotBeRead(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		w.queue("a", 1)
		w.queueLong("a", 0)
		w.queue("a", 1)
		w.advance(time.Second)
		w.expectOutbox(0, 3, 0, "shipping")
	})
}

// Of a delivery that fails in the middle, what was answered whole is not sent again: a cluster that
// now and then fails gets on.
func TestShipperKeepsWhatOfADeliveryArrived(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.whole = func(int) error {
				if len(c.batches)%10 == 0 {
					return errors.New("connection reset")
				}
				return nil
			}
		})
		for range 2 * maxLong {
			w.queueLong("a", 40) // five requests each
		}
		w.advance(2 * time.Minute)
		w.expectOutbox(0, 2*maxLong, 0, "shipping")
	})
}

// Batches that were cut grow again when the server takes them.
func TestShipperGrowsItsBatchesAgain(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		refuse := 3
		c.set(func() {
			c.whole = func(int) error {
				if refuse--; refuse >= 0 {
					return &opensearch.StatusError{Status: 413}
				}
				return nil
			}
		})
		w.queue("a", 5000)
		w.advance(time.Minute)
		w.advance(sizeMemory)
		for range 16 {
			w.queue("a", 1)
			w.advance(2 * linger)
		}
		before := c.requests()
		w.queue("a", 5000)
		w.advance(time.Minute)
		if n := c.requests() - before; n > 6 {
			t.Errorf("%d requests for as many documents as two or three hold", n)
		}
	})
}

// A limit of a request is found once and kept to; that it was lifted shows after a while.
func TestShipperRemembersALimit(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		const limit = 3
		lifted, refused := false, 0
		c.set(func() {
			c.whole = func(n int) error {
				if n <= limit || lifted {
					return nil
				}
				refused++
				return &opensearch.StatusError{Status: 413}
			}
		})
		w.queue("a", 1000)
		w.advance(sizeMemory / 2)
		w.expectOutbox(0, 1000, 0, "shipping")
		if refused > 24 {
			t.Errorf("%d requests were too large", refused)
		}
		c.set(func() { lifted = true })
		w.advance(sizeMemory)
		before := c.requests()
		w.queue("a", 3000)
		w.advance(time.Minute)
		w.expectOutbox(0, 4000, 0, "shipping")
		if n := c.requests() - before; n > 16 {
			t.Errorf("%d requests for 3000 documents when the limit is lifted", n)
		}
	})
}

func TestShipperKeepsDeadLettersApart(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				if i.place%10 == 5 {
					return opensearch.Item{
						Status: 400,
						Type:   "mapper_parsing_exception",
						Reason: "no",
					}
				}
				return opensearch.Item{Status: 201}
			}
		})
		w.advance(time.Second) // it has looked once, at its start: all go in one request
		w.queue("a", 100)
		w.advance(time.Second)
		w.expectOutbox(0, 90, 10, "shipping")
	})
}

// Items that are not taken now are tried again by themselves, while the others arrive.
func TestShipperTriesItemsAgain(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				if i.place == 0 {
					return opensearch.Item{Status: 503, Type: "unavailable_shards_exception"}
				}
				return opensearch.Item{Status: 201}
			}
		})
		w.queue("a", 10)
		w.advance(time.Second / 2)
		w.expectOutbox(1, 9, 0, "shipping, but documents for a wait")
		w.queue("a", 10)
		w.queue("b", 1)
		w.advance(time.Minute)
		o := w.standing()
		if o.Waiting != 1 {
			t.Errorf("the outbox is %s", describeOutbox(&o))
		}
		c.set(func() { c.answer = nil })
		w.advance(longestDelay)
		w.expectOutbox(0, 21, 0, "shipping")
	})
}

// A server whose queues are short takes a part of each request, by index. That is progress: what it
// does not take is sent soon again, for fewer indices at a time.
func TestShipperFeedsACrowdedCluster(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		const indices, each, room = 12, 200, 2
		taken := map[string]bool{}
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				if i.place == 0 {
					clear(taken)
				}
				if taken[i.index] || len(taken) < room {
					taken[i.index] = true
					return opensearch.Item{Status: 201}
				}
				return opensearch.Item{Status: 429, Type: "rejected_execution_exception"}
			}
		})
		for range each {
			for i := range indices {
				w.queue(fmt.Sprint("index-", i), 1)
			}
		}
		w.advance(10 * time.Second)
		w.expectOutbox(0, indices*each, 0, "shipping")
		if n := c.requests(); n > 4*indices/room {
			t.Errorf("%d requests for what %d may bring", n, indices/room)
		}
		c.set(func() { c.answer = nil })
		w.advance(crowdMemory)
		w.queue("index-0", 1)
		w.advance(time.Second)
		before := c.requests()
		for i := range indices {
			w.queue(fmt.Sprint("index-", i), 1)
		}
		w.advance(time.Second)
		if n := c.requests() - before; n > 2 {
			t.Errorf("%d requests for a document each when there is room again", n)
		}
	})
}

// Of an index whose shards are crowded some documents are taken each time: the others are tried
// again as soon each time.
func TestShipperFeedsACrowdedIndex(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				if i.place%3 > 0 {
					return opensearch.Item{Status: 429, Type: "rejected_execution_exception"}
				}
				return opensearch.Item{Status: 201}
			}
		})
		w.queue("a", 900) // 17 requests
		w.advance(20 * time.Second)
		w.expectOutbox(0, 900, 0, "shipping")
	})
}

// Of a crowded cluster one index may take nothing for long; the others do not wait for it.
func TestShipperPassesACrowdedIndex(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(i sentItem) opensearch.Item {
				if i.index == "hot" {
					return opensearch.Item{Status: 429, Type: "rejected_execution_exception"}
				}
				return opensearch.Item{Status: 201}
			}
		})
		for n := range 60 {
			w.queue("hot", 1)
			w.queue("other", 1)
			w.advance(3 * time.Second)
			if o := w.standing(); o.Shipped != uint64(n+1) {
				t.Fatalf("after %d documents the outbox is %s", n+1, describeOutbox(&o))
			}
		}
		if n := c.requestsFor("hot"); n > 20 {
			t.Errorf("it was tried %d times in three minutes", n)
		}
		c.set(func() { c.answer = nil })
		w.advance(longestDelay + time.Second)
		w.expectOutbox(0, 120, 0, "shipping")
	})
}

// OpenSearch waits for an index whose shards are not there, and whatever is in the same request
// waits too: it is tried apart, with one document.
func TestShipperIsNotHeldUpByMissingShards(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() { c.missing = map[string]bool{"missing": true, "missing-too": true} })
		const documents = 90
		for n := range documents {
			w.queue("missing", 1)
			w.queue("missing-too", 1)
			w.queue("other", 1)
			w.advance(2 * time.Second)
			if o := w.standing(); n > int(shardPatience/time.Second) && o.Waiting != 2*uint64(n+1) {
				t.Fatalf("after %d documents the outbox is %s", n+1, describeOutbox(&o))
			}
		}
		if n := c.requestsFor("missing"); n > 10 {
			t.Errorf("it was tried %d times in three minutes", n)
		}
		c.set(func() { c.missing = nil })
		w.advance(longestDelay + shardPatience)
		w.expectOutbox(0, 3*documents, 0, "shipping")
	})
}

// What comes while an answer takes its time does not wait for that.
func TestShipperPassesASlowAnswer(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() { c.missing = map[string]bool{"missing": true} })
		w.queue("missing", 1)
		w.advance(2 * linger)
		w.queue("other", 1)
		w.advance(slowFlight + time.Millisecond)
		w.expectOutbox(1, 1, 0, "shipping")
	})
}

// Long output for an index whose shards are not there is not sent part by part, each time to wait
// for them.
func TestShipperEndsOutputForMissingShards(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() { c.missing = map[string]bool{"missing": true} })
		for range 3 {
			w.queueLong("missing", 40)
		}
		w.advance(shardPatience + linger + 10*time.Millisecond)
		if n := c.requests(); n != 1 {
			t.Errorf("%d requests", n)
		}
		w.expectOutbox(3, 0, 0, "shipping, but documents for missing wait")
		c.set(func() { c.missing = nil })
		w.advance(time.Minute)
		w.expectOutbox(0, 3, 0, "shipping")
	})
}

// Many indices that take nothing are tried again together: each time all that waits is read anew.
func TestShipperTriesHeldIndicesTogether(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		c.set(func() {
			c.answer = func(sentItem) opensearch.Item {
				return opensearch.Item{Status: 429, Type: "cluster_block_exception"}
			}
		})
		const indices = 20
		for i := range indices {
			w.queue(fmt.Sprint("index-", i), 5)
			w.advance(700 * time.Millisecond)
		}
		w.advance(time.Minute)
		before := c.requests()
		w.advance(10 * time.Minute)
		if n := c.requests() - before; n < 20 || n > 60 {
			t.Errorf("%d requests in ten minutes", n)
		}
		c.set(func() { c.answer = nil })
		w.advance(longestDelay + time.Second)
		w.expectOutbox(0, 5*indices, 0, "shipping")
	})
}

// An actor that fails in the middle begins anew with what its rows say.
func TestShipperRestarts(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		w.queue("a", 5)
		_ = w.explode(nameShipper)
		w.advance(5 * time.Second)
		w.expectOutbox(0, 5, 0, "shipping")
		w.queue("a", 5)
		w.advance(time.Second)
		w.expectOutbox(0, 10, 0, "shipping")
	})
}

func TestShipperSurvivesAPanicOfADelivery(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		first := true
		c.set(func() {
			c.whole = func(int) error {
				if first {
					first = false
					panic("a bug")
				}
				return nil
			}
		})
		w.queue("a", 5)
		w.advance(10 * time.Second)
		w.expectOutbox(0, 5, 0, "shipping")
	})
}

// A full outbox whose documents are not taken does not fill with notices of its own losses: one
// tells of all of them, when they are.
func TestShipperTellsLossesWhenTheyAreTaken(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		const most, sent = 20, 70
		w.store.limitDocuments(most)
		c.set(func() {
			c.answer = func(sentItem) opensearch.Item {
				return opensearch.Item{Status: 403, Type: "cluster_block_exception"}
			}
		})
		index := w.sys.Config().Text(messages.ParamApplicationLogIndex)
		w.queue(index, sent-10)
		for range 10 {
			w.advance(time.Minute)
			w.queue(index, 1)
		}
		w.advance(time.Minute)
		if told := w.store.lossesTold(); len(told) > 0 {
			t.Errorf("while nothing is taken losses are told: %v", told)
		}
		w.expectOutbox(most, 0, 0, "shipping, but documents for "+index+" wait until")
		c.set(func() { c.answer = nil })
		w.advance(time.Minute)
		if told := w.store.lossesTold(); len(told) != 1 || told[0] != sent-most {
			t.Errorf("told are %v", told)
		}
		w.expectOutbox(0, most+1, 0, "shipping")
	})
}

// Whoever asks for a check does not wait as long as shipping does.
func TestCheckIsNotPatient(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		asked := make(chan time.Duration, 1)
		w.sys.opt.openCluster = func(config opensearch.Config) (bulkClient, error) {
			asked <- config.Timeout
			return nil, errors.New("not here")
		}
		checked := ask[messages.ShippingChecked](w, messages.CheckShipping{})
		if patience := <-asked; patience <= 0 || patience > 10*time.Second ||
			len(checked.Steps) != 1 {
			t.Errorf("each answer is waited for %s; the steps are %+v", patience, checked.Steps)
		}
	})
}

// checkingClient notes what a check sends.
type checkingClient struct {
	bulkClient
	probes []opensearch.Probe
}

func (c *checkingClient) Check(_ context.Context, probes []opensearch.Probe) []opensearch.Step {
	c.probes = probes
	return []opensearch.Step{{Name: "test document", OK: true}}
}

// A check tries each index that is configured, those of jobs too, each once.
func TestCheckTriesEachIndex(t *testing.T) {
	shippingWorld(t, func(w *world, c *fakeCluster) {
		client := &checkingClient{bulkClient: c.client()}
		w.sys.opt.openCluster = func(opensearch.Config) (bulkClient, error) { return client, nil }
		w.set(messages.ParamApplicationLogIndex, "logs-%{+yyyy}")
		w.set(messages.ParamHealthIndex, "health")
		for i, index := range []string{"", "own", "own", "health", "off"} {
			j := job(fmt.Sprint("job", i), "@yearly", "true")
			j.OpenSearchIndex, j.OpenSearchEnabled = index, index != "off"
			w.add(j)
		}
		for i := range maxJobIndices {
			j := job(fmt.Sprint("more", i), "@yearly", "true")
			j.OpenSearchIndex, j.OpenSearchEnabled = fmt.Sprintf("x%02d", i), true
			w.add(j)
		}
		checked := ask[messages.ShippingChecked](w, messages.CheckShipping{})
		ids := map[string]bool{}
		var indices []string
		for _, p := range client.probes {
			ids[p.ID], indices = true, append(indices, p.Index)
		}
		if len(indices) != 1+maxJobIndices || len(ids) != len(indices) ||
			!slices.Equal(indices[:4],
				[]string{"logs-" + time.Now().UTC().Format("2006"), "health", "own", "x00"}) {
			t.Errorf("it tries %v", indices)
		}
		if last := checked.Steps[len(checked.Steps)-1]; !last.OK ||
			last.Found != "2 more indices of jobs were not tried" {
			t.Errorf("the last step is %+v", last)
		}
		if health := string(client.probes[1].Source); !strings.Contains(health, `"status":"check"`) {
			t.Errorf("the document for health is %s", health)
		}
	})
}

// A variable of the environment is not mended by a parameter.
func TestCheckNamesTheEnvironment(t *testing.T) {
	shippingWorld(t, func(w *world, _ *fakeCluster) {
		w.sys.opt.openCluster = func(opensearch.Config) (bulkClient, error) {
			return nil, &opensearch.EnvironmentError{Variable: "all_proxy"}
		}
		checked := ask[messages.ShippingChecked](w, messages.CheckShipping{})
		if s := checked.Steps[0]; !strings.Contains(s.Found, "all_proxy") ||
			!strings.Contains(s.Remedy, "in the agent's environment") {
			t.Errorf("the step is %+v", s)
		}
	})
}
