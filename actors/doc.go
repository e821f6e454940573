// Package actors is the tree of supervised actors that owns every piece of Gusty's changing state.
//
//	guardian            ends the process with a cause
//	└── agent           one-for-one: 10 restarts in a minute, then it gives up and the process ends
//	    ├── config      the parameters; publishes an immutable snapshot on every change
//	    ├── metric      samples the host on its own clock; queues health and heartbeat documents
//	    ├── scheduler   the heap of due times and the switch that pauses all firing
//	    ├── executors   parent of the executors; grants the slots of concurrent runs
//	    │   └── <job>   the runs of one job: overlap policy, time-out, retries
//	    ├── shipper     drains the outbox to OpenSearch
//	    └── access      users; publishes the snapshot that the API checks credentials against
//
// # How a change becomes true
//
// No actor waits for a disk inside Receive, but for Started, which loads. A change goes to the
// store as a declaration (messages.Change); the store's committer calls back from its own
// goroutine, and the callback only sends a message to the actor, with the asker as its sender.
// Memory changes, and the asker is answered, when that message arrives: nothing is acknowledged and
// nothing changes in memory before it is durable. Started keeps the id of the transaction that it
// loaded from, so that a commit which the load has seen already is answered and not applied again.
//
// # What a failure does
//
// A receiver middleware recovers a panic, answers the asker, logs the stack, counts, and panics on,
// so that the supervisor restarts the actor (supervision.go). A mailbox of our own answers what is
// over its limit and what a stopped actor leaves behind (mailbox.go). Reads of committed rows need
// no actor: Ask serves them from the store on the asking goroutine, so that they go on while an
// actor restarts.
//
// # Who records a run
//
// An executor decides what runs; the goroutine of each run (execution.go) ends its record, also
// when its executor is gone by then. So a panic of an executor costs its runs their lives, never
// their records. How a run ended is written by outcomes.go, which keeps what the storage cannot
// take.
//
// # What a kill and a stop leave
//
// A queued run is in doubt only where its start was noted (startgate.go) and no row tells what
// became of it. All others resume at the next start (recovery.go): after a kill by those notes,
// after an ordered stop because their rows say that they wait (stop.go).
//
// # What a restarted actor finds
//
// Its rows, and what of them the store may not show yet: executions under way (live.go), outcomes
// on their way (outcomes.go) and how far firings are armed (plannedAhead, batch.go). A task that
// reaches the executors after they have found its row in the store is dropped (seen, dispatch.go),
// so that a run is carried out once whatever restarts in between.
package actors
