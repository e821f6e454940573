package crash

import (
	"fmt"
	"math/rand/v2"
)

// entry is what a client knows of one job. Version 0 stands for a job that does not exist.
type entry struct {
	name    string
	version int // the last that was acknowledged
	pending int // one that was asked for and not answered; -1: nothing is open
	next    int // the next version to write
}

// allows reports whether finding the job in that version is consistent with what was acknowledged:
// the last acknowledged version, or the one request whose answer never came.
func (e *entry) allows(found int) bool {
	return found == e.version || (e.pending >= 0 && found == e.pending)
}

// settle makes what was found after a crash the truth.
func (e *entry) settle(found int) { e.version, e.pending = found, -1 }

// change chooses what to ask for next: a version to write, or 0 to delete.
func (e *entry) change(random *rand.Rand) int {
	if e.version != 0 && random.IntN(3) == 0 {
		return 0
	}
	e.next++
	return e.next
}

// ledger is what one client knows; each client has names of its own, so that it knows the order of
// its writes.
type ledger []*entry

func newLedger(client, jobs int) ledger {
	var l ledger
	for i := range jobs {
		l = append(l, &entry{name: fmt.Sprintf("client %d job %d", client, i), pending: -1})
	}
	return l
}
