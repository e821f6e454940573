package persistence

import (
	"os"

	"gusty/messages"
)

// The fields that the store itself adds to a run's record, behind those of encodeRun.
const (
	runFileBytes = 26
	runDocument  = 27 // repeated
)

// runOverheadBytes is what a run takes beside the value of its row: its id as the row's key, and its entries in the three orders.
const runOverheadBytes = 16 + (nameKeyBytes + 16 + 1) + (1 + 16) + (nameKeyBytes + 1 + 16)

// runKeeping is what the store needs to know of a run to count and to trim it.
type runKeeping struct {
	fileBytes uint64   // of the run's output files; counted when it ends
	documents []uint64 // sequences of the outbox documents whose message lies in those files
}

func (k *runKeeping) append(e *encoder, inFile bool) {
	e.explicit = inFile
	e.uint(runFileBytes, k.fileBytes)
	e.explicit = false
	for _, sequence := range k.documents {
		e.uint(runDocument, sequence)
	}
}

// parseKeeping reads it out of a run's record. Of a run that an earlier version stored, the files are taken to hold what was printed, up to
// the limit that a job has by default.
func parseKeeping(record []byte) (k runKeeping, err error) {
	var inFile, counted bool
	var printed uint64
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case runFileBytes:
			k.fileBytes, counted = d.uint(), true
		case runDocument:
			if sequence := d.uint(); sequence != 0 { // they begin with 1
				k.documents = append(k.documents, sequence)
			}
		case runOutputInFile:
			inFile = d.bool()
		case runStdoutBytes, runStderrBytes:
			printed += uint64(min(max(d.int(), 0), messages.DefaultJobOptions().OutputLimitBytes))
		}
	}
	if inFile && !counted {
		k.fileBytes = printed
	}
	return k, d.err
}

// keeping gives what is noted of a stored run; nothing where there is no such run.
func (r *reader) keeping(id runKey) (runKeeping, error) {
	record, err := r.get(bucketRuns, id[:])
	if err != nil {
		return runKeeping{}, err
	}
	k, err := parseKeeping(record)
	if err != nil {
		return k, damagedRow(bucketRuns)
	}
	return k, nil
}

// runBytes gives what a stored run takes, in rows and files; 0 where there is none.
func (r *reader) runBytes(id runKey, k *runKeeping) uint64 {
	sealed := r.bucket(bucketRuns).Get(id[:])
	if sealed == nil {
		return 0
	}
	return uint64(len(sealed)) + runOverheadBytes + k.fileBytes
}

// waits says whether a document that refers to the run's output is still in the outbox.
func (r *reader) waits(k *runKeeping) bool {
	for _, sequence := range k.documents {
		if r.has(bucketOutbox, waitingKey(messages.DocumentKey{Class: messages.DocumentOutput, Sequence: sequence})) {
			return true
		}
	}
	return false
}

// outputBytes gives the size of a run's output files. Every run that has files has a head.
func outputBytes(dir string, run runKey) (size uint64) {
	for number := range segmentCount {
		info, err := os.Lstat(segmentPath(dir, run, number))
		switch {
		case err == nil:
			size += uint64(info.Size())
		case number == segmentHead:
			return 0
		}
	}
	return size
}
