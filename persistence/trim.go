package persistence

import (
	"bytes"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
)

// endedRun is a run that may go.
type endedRun struct {
	id    runKey
	job   nameKey
	state byte
	kept  runKeeping
}

// trimLists removes what lists have over their keep_runs.
func (w *writer) trimLists(room int, done *trimmed) error {
	seen := 0
	for job := range w.trimmer.lists {
		if len(done.runs) >= room || seen == maxListsSeen {
			break
		}
		seen++
		list, err := w.runList(job)
		if err != nil {
			return err
		}
		want := min(list.over(), uint64(room-len(done.runs)))
		found, err := w.oldestOf(job, int(want))
		if err != nil {
			return err
		}
		if err := w.removeRuns(found, done); err != nil {
			return err
		}
		if uint64(len(found)) < want || want == list.over() {
			done.settled = append(done.settled, job)
		}
	}
	return nil
}

// oldestOf gives the oldest runs of a list that have ended, but for those whose output waits to be shipped and for the list's newest. It looks
// at a bounded part of the list: what must stay at its front is little.
func (w *writer) oldestOf(job nameKey, limit int) (found []endedRun, err error) {
	newest := seekLast(w.bucket(bucketByJob).Cursor(), job[:], nil)
	c := w.bucket(bucketByJob).Cursor()
	looked := 0
	for k, v := c.Seek(job[:]); hasPrefix(k, job[:]) && len(found) < limit && looked < maxLookedAt; k, v = c.Next() {
		looked++
		if len(v) != 1 || stateOf(uint64(v[0])).Active() || bytes.Equal(k, newest) {
			continue
		}
		run := endedRun{id: runKey(k[nameKeyBytes:]), job: job, state: v[0]}
		if run.kept, err = w.keeping(run.id); err != nil {
			return nil, err
		}
		if !w.waits(&run.kept) {
			found = append(found, run)
		}
	}
	return found, nil
}

// trimOldest removes the oldest runs of all names while the history is over its bounds.
func (w *writer) trimOldest(now time.Time, room int, done *trimmed) error {
	bounds := w.trimmer.bounds
	oldest := runsBefore(now.Add(-bounds.age))
	over := int64(w.ledger.runBytes - bounds.bytes)
	found, err := w.oldestOfAll(over, oldest, room, done)
	if err != nil {
		return err
	}
	return w.removeRuns(found, done)
}

// oldestOfAll gives the oldest runs that have ended until over bytes are free and none is older than the id oldest. Output that waits to be
// shipped holds its run, but not where the history is a quarter over its bound.
func (w *writer) oldestOfAll(over int64, oldest runKey, room int, done *trimmed) (found []endedRun, err error) {
	hard := over - int64(w.trimmer.bounds.mostBytes()-w.trimmer.bounds.bytes)
	walk := w.walkEnded(done.behind)
	newest := runKey{}
	if last, _ := w.bucket(bucketRuns).Cursor().Last(); len(last) == len(newest) {
		newest = runKey(last)
	}
	for looked := 0; ; looked++ {
		id, state, ok := walk.next()
		if !ok || id == newest || over <= 0 && bytes.Compare(id[:], oldest[:]) >= 0 {
			return found, nil
		}
		if len(found) >= room || looked == maxLookedAt {
			done.more = true
			return found, nil
		}
		run, err := w.endedRun(id, state)
		if err != nil {
			return nil, err
		}
		if hard <= 0 && w.waits(&run.kept) {
			if len(found) == 0 {
				done.behind = id
			}
			continue
		}
		freed := int64(w.runBytes(id, &run.kept))
		over, hard = over-freed, hard-freed
		found = append(found, run)
	}
}

func (w *writer) endedRun(id runKey, state byte) (run endedRun, err error) {
	record, err := w.get(bucketRuns, id[:])
	if err != nil {
		return run, err
	}
	run = endedRun{id: id, state: state}
	d := decoder{rest: record}
	for d.next() {
		if d.number == runScriptName {
			run.job = w.ring.hide(nameOfJob, d.text())
			break
		}
	}
	if run.kept, err = parseKeeping(record); err != nil {
		return run, damagedRow(bucketRuns)
	}
	return run, nil
}

// removeRuns removes runs from their rows, their orders and their lists.
func (w *writer) removeRuns(runs []endedRun, done *trimmed) error {
	gone := map[nameKey]uint64{}
	for i := range runs {
		run := &runs[i]
		w.ledger.runBytes -= w.runBytes(run.id, &run.kept)
		if err := w.removeRun(run); err != nil {
			return err
		}
		gone[run.job]++
		done.runs = append(done.runs, run.id)
	}
	for job, count := range gone {
		if err := w.changeRunList(job, func(l *runList) { l.runs -= min(count, l.runs) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) removeRun(run *endedRun) error {
	if err := w.remove(bucketByJob, run.id.byJob(run.job)); err != nil {
		return err
	}
	if err := w.unorder(run.job, run.id, run.state); err != nil {
		return err
	}
	return w.remove(bucketRuns, run.id[:])
}

// runsBefore gives an id that is above those of all runs made before t and not above any other: a UUIDv7 begins with the milliseconds since
// 1970 in 6 bytes (RFC 9562).
func runsBefore(t time.Time) (id runKey) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:], ms[2:])
	return id
}

// endedWalk goes through the runs that have ended, oldest first. It merges the orders by state, so that runs that are active cost nothing.
type endedWalk struct{ heads []walkHead }

type walkHead struct {
	cursor *bolt.Cursor
	state  byte
	key    []byte // nil: at its end
}

// walkEnded begins behind the run with the id behind. The walk is over when a row is changed.
func (r *reader) walkEnded(behind runKey) *endedWalk {
	walk := &endedWalk{}
	for _, state := range messages.RunStates() {
		if state.Active() {
			continue
		}
		head := walkHead{cursor: r.bucket(bucketByState).Cursor(), state: stateNumber(state)}
		key, _ := head.cursor.Seek(behind.byState(head.state))
		if bytes.Equal(key, behind.byState(head.state)) {
			key, _ = head.cursor.Next()
		}
		head.set(key)
		walk.heads = append(walk.heads, head)
	}
	return walk
}

func (h *walkHead) set(key []byte) {
	h.key = nil
	if len(key) == 1+len(runKey{}) && key[0] == h.state {
		h.key = key
	}
}

func (w *endedWalk) next() (id runKey, state byte, ok bool) {
	var first *walkHead
	for i := range w.heads {
		h := &w.heads[i]
		if h.key != nil && (first == nil || bytes.Compare(h.key[1:], first.key[1:]) < 0) {
			first = h
		}
	}
	if first == nil {
		return id, 0, false
	}
	id = runKey(first.key[1:])
	key, _ := first.cursor.Next()
	first.set(key)
	return id, first.state, true
}
