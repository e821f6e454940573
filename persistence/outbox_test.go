package persistence

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// queueTime is when the first document of these tests is queued; each later one comes a second
// after.
func queueTime(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0).UTC() }

// queued makes a document of about 200 bytes with the number n.
func queued(n int, class messages.DocumentClass) messages.Document {
	return messages.Document{
		ID: testRunID(n), Class: class, Index: "an-index", QueuedAt: queueTime(n),
		Body: fmt.Appendf(nil, `{"n":%d,"text":%q}`, n, strings.Repeat("x", 100)),
	}
}

// waitingNumbers returns the numbers of what waits, in the order in which it is shipped.
func waitingNumbers(t *testing.T, s *Store) (numbers []int, keys []messages.DocumentKey) {
	t.Helper()
	err := s.Documents(0, func(d messages.Document) (bool, error) {
		numbers, keys = append(numbers, int(d.QueuedAt.Unix()-queueTime(0).Unix())), append(keys,
			d.Key())
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return numbers, keys
}

func outboxOf(t testing.TB, s *Store) messages.OutboxStanding {
	t.Helper()
	standing, err := s.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	return standing
}

func fillOutbox(t testing.TB, s *Store, limit int64, classes ...messages.DocumentClass) {
	t.Helper()
	for n, class := range classes {
		commit(t, s, messages.DocumentRow{Document: queued(n, class), LimitBytes: limit})
	}
}

func TestOutboxKeepsTheOrderAcrossClasses(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 3, 1, 2, 4, 1, 3)
	s = reopen(t, s)
	numbers, keys := waitingNumbers(t, s)
	if !reflect.DeepEqual(numbers, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("the order is %v", numbers)
	}
	commit(t, s, messages.DocumentsShipped{Keys: keys[1:4]})
	commit(t, s, messages.DocumentsShipped{Keys: keys[:4]}) // three of them are gone already
	if numbers, _ = waitingNumbers(t, s); !reflect.DeepEqual(numbers, []int{4, 5}) {
		t.Errorf("left are %v", numbers)
	}
	if o := outboxOf(t, s); o.Shipped != 4 || o.Waiting != 2 || !o.OldestAt.Equal(queueTime(4)) {
		t.Errorf("standing %+v", o)
	}
	commit(t, s, messages.DocumentsShipped{Keys: keys})
	if o := outboxOf(t, reopen(t, s)); o.Shipped != 6 || o.Waiting != 0 || o.Bytes != 0 ||
		!o.OldestAt.IsZero() {
		t.Errorf("standing %+v", o)
	}
}

// What warns goes last, behind output, and is counted as what it is, also when the file is opened
// again.
func TestFullOutboxKeepsWarningsLongest(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 5, 3, 4, 5)
	limit := int64(outboxOf(t, s).Bytes) + 50 // the later ones are a byte longer
	for n, want := range [][]int{{0, 2, 3, 10}, {2, 3, 10, 11}} {
		commit(t, s, messages.DocumentRow{
			Document:   queued(10+n, messages.DocumentWarning),
			LimitBytes: limit,
		})
		if numbers, _ := waitingNumbers(t, s); !reflect.DeepEqual(numbers, want) {
			t.Errorf("after %d more, %v wait, want %v", n+1, numbers, want)
		}
	}
	want := map[messages.DocumentClass]uint64{
		messages.DocumentOutput:  1,
		messages.DocumentWarning: 1,
	}
	if o := outboxOf(t, reopen(t, s)); !reflect.DeepEqual(o.Loss.ByClass, want) || o.Waiting != 4 {
		t.Errorf("standing %+v", o)
	}
}

// A full outbox gives up log lines first, then health, then output, the oldest of each first, and
// counts what it lost; notices stay.
func TestFullOutboxDropsTheLowestClassFirst(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 4, 3, 1, 2, 1, 3)
	one := int64(outboxOf(t, s).Bytes / 6)
	for n, want := range [][]int{
		{0, 1, 3, 4, 5, 10},
		{0, 1, 3, 5, 10, 11},
		{0, 1, 5, 10, 11, 12},
		{0, 5, 10, 11, 12, 13},
	} {
		commit(t, s, messages.DocumentRow{
			Document:   queued(10+n, messages.DocumentOutput),
			LimitBytes: 6*one + one/2,
		})
		if numbers, _ := waitingNumbers(t, s); !reflect.DeepEqual(numbers, want) {
			t.Errorf("after %d more, %v wait, want %v", n+1, numbers, want)
		}
	}
	// no place for one of the lowest
	commit(t, s, messages.DocumentRow{
		Document:   queued(20, messages.DocumentLog),
		LimitBytes: 6*one + one/2,
	})
	o := outboxOf(t, reopen(t, s))
	want := messages.Loss{
		ByClass: map[messages.DocumentClass]uint64{
			messages.DocumentLog:    3,
			messages.DocumentHealth: 1,
			messages.DocumentOutput: 1,
		},
		From: queueTime(1), To: queueTime(20),
	}
	if o.Waiting != 6 || o.Dropped != 5 || !reflect.DeepEqual(o.Loss, want) {
		t.Errorf("standing %+v", o)
	}
}

func TestLossIsToldOnce(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 300, 3, 3, 3)
	lost := outboxOf(t, s).Loss
	if lost.Count() != 2 {
		t.Fatalf("lost %+v", lost)
	}
	told := messages.DocumentRow{Document: queued(9, messages.DocumentNotice)}
	for name, other := range map[string]messages.LossTold{
		"another number": {Count: 1, From: lost.From, To: lost.To},
		"others":         {Count: 2, From: lost.From, To: lost.To.Add(time.Second)}, // as many, since the first were told
	} {
		if c := try(s, other, told); messages.CodeOf(c.Err) != messages.CodeConflict {
			t.Errorf("%s: %v", name, c.Err)
		}
	}
	commit(t, s, messages.LossTold{Count: 2, From: lost.From, To: lost.To}, told)
	if o := outboxOf(t, s); o.Loss.Count() != 0 || o.Dropped != 2 || o.Waiting != 2 {
		t.Errorf("standing %+v", o)
	}
}

func TestAgedDocumentsAreDropped(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 3, 1, 4, 2, 3)
	commit(t, s, messages.OutboxAged{Before: queueTime(3)})
	if numbers, _ := waitingNumbers(t, s); !reflect.DeepEqual(numbers, []int{2, 3, 4}) {
		// a notice has no age
		t.Errorf("left are %v", numbers)
	}
	if o := outboxOf(t, s); o.Dropped != 2 || o.Loss.Count() != 2 {
		t.Errorf("standing %+v", o)
	}
}

func TestDeadLetters(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 3, 3, 1, 2)
	_, keys := waitingNumbers(t, s)
	for n, key := range keys[:3] {
		commit(t, s, messages.DocumentRefused{
			Key:    key,
			Status: 400,
			Reason: fmt.Sprint("reason ", n),
			At:     queueTime(100 + n),
		})
		commit(t, s, messages.DocumentRefused{Key: key}) // it does not wait any more
	}
	s = reopen(t, s)
	if o := outboxOf(t, s); o.Waiting != 1 || o.Dead != 3 || o.Refused != 3 || o.DeadBytes == 0 {
		t.Errorf("standing %+v", o)
	}
	page, err := s.Dead("", 2)
	if err != nil || len(page.Letters) != 2 || page.Next != testRunID(1) ||
		page.Letters[0].Document.ID != testRunID(2) {
		t.Fatalf("first page %+v, %v", page, err)
	}
	if l := page.Letters[1]; l.Status != 400 || l.Reason != "reason 1" ||
		!l.At.Equal(queueTime(101)) || l.Document.Index != "an-index" {
		t.Errorf("letter %+v", l)
	}
	if page, err = s.Dead(page.Next, 2); err != nil || len(page.Letters) != 1 || page.Next != "" ||
		page.Letters[0].Document.ID != testRunID(0) {
		t.Errorf("second page %+v, %v", page, err)
	}
	commit(t, s, messages.DeadRetried{ID: testRunID(1), At: queueTime(200)})
	commit(t, s, messages.DeadGone{ID: testRunID(2)})
	for _, row := range []messages.Row{
		messages.DeadRetried{ID: testRunID(2)},
		messages.DeadGone{ID: testRunID(1)},
		messages.DeadGone{ID: "x"},
	} {
		if c := try(s, row); messages.CodeOf(c.Err) != messages.CodeNotFound {
			t.Errorf("%+v gives %v", row, c.Err)
		}
	}
	if numbers, _ := waitingNumbers(t, s); !reflect.DeepEqual(numbers, []int{3, 200}) {
		t.Errorf("what waits is %v: a letter that is tried again goes behind it, as new", numbers)
	}
	if o := outboxOf(t, s); o.Waiting != 2 || o.Dead != 1 {
		t.Errorf("standing %+v", o)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 3, 3, 3, 3)
	_, keys := waitingNumbers(t, s)
	for _, key := range keys {
		commit(t, s, messages.DocumentRefused{
			Key:        key,
			Status:     400,
			Reason:     "no",
			At:         queueTime(9),
			LimitBytes: 4 * 450,
		})
	}
	o := outboxOf(t, s)
	if o.Dead != 2 || o.Refused != 4 || o.Dropped != 2 || o.Loss.Dead != 2 || o.DeadBytes > 450 {
		t.Errorf("standing %+v", o)
	}
}

// A letter that is tried again into a full outbox makes room for itself, and the figures are those
// of the rows.
func TestDeadLettersMakeRoomWhereTheyReturn(t *testing.T) {
	s := openStore(t, t.TempDir())
	fillOutbox(t, s, 0, 3, 1, 1, 1)
	_, keys := waitingNumbers(t, s)
	commit(t, s, messages.DocumentRefused{
		Key:    keys[0],
		Status: 400,
		Reason: "no",
		At:     queueTime(9),
	})
	limit := int64(outboxOf(t, s).Bytes)
	commit(t, s, messages.DeadRetried{ID: testRunID(0), At: queueTime(10), LimitBytes: limit})
	numbers, keys := waitingNumbers(t, s)
	if o := outboxOf(t, s); int64(o.Bytes) > limit || o.DeadBytes != 0 || o.Dropped != 1 ||
		!reflect.DeepEqual(numbers, []int{2, 3, 10}) {
		t.Errorf("%v wait, standing %+v", numbers, o)
	}
	commit(t, s, messages.DocumentsShipped{Keys: keys})
	if o := outboxOf(t, s); o.Bytes != 0 || o.Waiting != 0 || o.Dead != 0 {
		t.Errorf("standing %+v", o)
	}
}

// A limit that is lowered by much is reached in steps, so that no transaction grows large.
func TestLoweredLimitIsReachedInSteps(t *testing.T) {
	s := openStore(t, t.TempDir())
	const documents = maxDropped + 500
	rows := make([]messages.Row, 0, documents)
	for n := range documents {
		rows = append(rows, messages.DocumentRow{Document: queued(n, messages.DocumentHealth)})
	}
	commit(t, s, rows...)
	const limit = 1000
	for step, most := range []uint64{documents + 1 - maxDropped, 5} {
		commit(t, s, messages.DocumentRow{
			Document:   queued(documents+step, messages.DocumentHealth),
			LimitBytes: limit,
		})
		if o := outboxOf(t, s); o.Waiting > most || step == 0 && o.Waiting < most || step > 0 &&
			o.Bytes > limit {
			t.Errorf("after step %d the standing is %+v", step+1, o)
		}
	}
}

// Whatever happens in the outbox, its figures are those of its rows, and no document is gone that
// is not counted as shipped or dropped, nor there twice.
func TestOutboxFiguresFollowItsRows(t *testing.T) {
	s := openStore(t, t.TempDir())
	r := rand.New(rand.NewPCG(6, 6))
	const limit = 6000
	queuedSoFar, gone := 0, uint64(0)
	for range 400 {
		_, keys := waitingNumbers(t, s)
		page, err := s.Dead("", 100)
		if err != nil {
			t.Fatal(err)
		}
		now := queueTime(queuedSoFar)
		switch pick := r.IntN(10); {
		case pick < 5 || len(keys) == 0:
			class := messages.DocumentClasses()[r.IntN(5)]
			commit(t, s, messages.DocumentRow{
				Document:   queued(queuedSoFar, class),
				LimitBytes: limit,
			})
			queuedSoFar++
		case pick == 5:
			commit(t, s, messages.DocumentsShipped{Keys: keys[:1+r.IntN(len(keys))]})
		case pick == 6:
			commit(t, s,
				messages.OutboxAged{Before: now.Add(-time.Duration(r.IntN(60)) * time.Second)})
		case pick == 7 && len(page.Letters) > 0:
			id := page.Letters[r.IntN(len(page.Letters))].Document.ID
			commit(t, s, messages.DeadRetried{ID: id, At: now, LimitBytes: limit})
		case pick == 8 && len(page.Letters) > 0:
			commit(t, s, messages.DeadGone{ID: page.Letters[r.IntN(len(page.Letters))].Document.ID})
			gone++
		default:
			commit(t, s, messages.DocumentRefused{
				Key:        keys[r.IntN(len(keys))],
				Status:     400,
				Reason:     "no",
				At:         now,
				LimitBytes: limit,
			})
		}
		o := outboxOf(t, s)
		if all := o.Waiting + o.Dead + o.Shipped + o.Dropped + gone; all != uint64(queuedSoFar) ||
			o.Loss.Count() != o.Dropped {
			t.Fatalf("%d were queued, %d deleted by hand, and the standing is %+v", queuedSoFar,
				gone, o)
		}
		checkOutbox(t, s)
	}
	checkOutbox(t, reopen(t, s))
}
