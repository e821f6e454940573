package persistence

import (
	"os"
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// The fields that the store itself adds to a run's record, behind those of encodeRun.
const (
	runFileBytes = 26
	runDocument  = 27 // repeated
	runLetter    = 28 // repeated
	runCarried   = 29 // a job's record
)

// runOverheadBytes is what a run takes beside the value of its row: its id as the row's key, and
// its entries in the three orders.
const runOverheadBytes = 16 + (format.NameKeyBytes + 16 + 1) + (1 + 16) +
	(format.NameKeyBytes + 1 + 16)

// runKeeping is what the store needs to know of a run to count and to trim it.
type runKeeping struct {
	state     byte
	begun     bool            // its process was started, or printed something
	fileBytes uint64          // of the run's output files; counted when it ends
	documents []uint64        // sequences of the outbox documents whose message lies in those files
	letters   []format.RunKey // ids of the dead letters of which that is true
	script    []byte          // the record of the script that a queued run carries
}

func (k *runKeeping) Append(e *format.Encoder, inFile bool) {
	e.Explicit = inFile
	e.Uint(runFileBytes, k.fileBytes)
	e.Explicit = false
	for _, sequence := range k.documents {
		e.Uint(runDocument, sequence)
	}
	for _, id := range k.letters {
		e.Bytes(runLetter, id[:])
	}
	e.Bytes(runCarried, k.script)
}

// parseKeeping reads it out of a run's record. Of a run that an earlier version stored, the files
// are taken to hold what was printed, up to the limit that a job has by default.
func parseKeeping(record []byte) (k runKeeping, err error) {
	var inFile, counted bool
	var printed uint64
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case runState:
			k.state = byte(d.Uint())
		case runStartedAt:
			k.begun = true
		case runFileBytes:
			k.fileBytes, counted = d.Uint(), true
		case runDocument:
			if sequence := d.Uint(); sequence != 0 { // they begin with 1
				k.documents = append(k.documents, sequence)
			}
		case runLetter:
			if len(d.Data) == len(format.RunKey{}) {
				k.letters = append(k.letters, format.RunKey(d.Data))
			}
		case runCarried:
			k.script = append([]byte(nil), d.Data...)
		case runOutputInFile:
			inFile = d.Bool()
			k.begun = k.begun || inFile
		case runStdoutBytes, runStderrBytes:
			k.begun = true
			printed += uint64(min(max(d.Int(), 0), messages.DefaultJobOptions().OutputLimitBytes))
		}
	}
	if inFile && !counted {
		k.fileBytes = printed
	}
	return k, d.Err
}

// keeping returns what is noted of a stored run; nothing where there is no such run.
func (r *reader) keeping(id format.RunKey) (runKeeping, error) {
	record, err := r.get(format.BucketRuns, id[:])
	if err != nil {
		return runKeeping{}, err
	}
	k, err := parseKeeping(record)
	if err != nil {
		return k, format.DamagedRow(format.BucketRuns)
	}
	return k, nil
}

// RunBytes returns what a stored run takes, in rows and files; 0 where there is none.
func (r *reader) runBytes(id format.RunKey, k *runKeeping) uint64 {
	sealed := r.bucket(format.BucketRuns).Get(id[:])
	if sealed == nil {
		return 0
	}
	return uint64(len(sealed)) + runOverheadBytes + k.fileBytes
}

// waits reports whether a document that refers to the run's output is still in the outbox, be it as
// a dead letter, which may be tried again.
func (r *reader) waits(k *runKeeping) bool {
	return slices.ContainsFunc(k.documents, r.hasDocument) ||
		slices.ContainsFunc(k.letters, r.hasLetter)
}

// hasDocument reports whether a document of output waits.
func (r *reader) hasDocument(sequence uint64) bool {
	return r.has(format.BucketOutbox, waitingKey(messages.DocumentKey{
		Class:    messages.DocumentOutput,
		Sequence: sequence,
	}))
}

func (r *reader) hasLetter(id format.RunKey) bool { return r.has(format.BucketOutbox, deadKey(id)) }

// noteReference lets note add to the record of the run whose output a document refers to. A run
// that is gone stays gone.
func (w *writer) noteReference(doc *messages.Document, note func(*runKeeping)) error {
	if doc.Output == nil {
		return nil
	}
	id, ok := format.ParseRunKey(doc.Output.RunID)
	if !ok || !w.has(format.BucketRuns, id[:]) {
		return nil
	}
	kept, err := w.keeping(id)
	if err != nil {
		return err
	}
	run, err := w.run(id, true)
	if err != nil {
		return err
	}
	before := w.taken(id, &kept)
	w.forgetSettled(&kept)
	note(&kept)
	return w.storeRun(id, run, &kept, before)
}

// forgetSettled leaves out what is no longer in the outbox, so that a letter that is tried again
// and again does not lengthen the record.
func (r *reader) forgetSettled(k *runKeeping) {
	k.documents = slices.DeleteFunc(k.documents, func(sequence uint64) bool {
		return !r.hasDocument(sequence)
	})
	k.letters = slices.DeleteFunc(k.letters, func(letter format.RunKey) bool {
		return !r.hasLetter(letter)
	})
}

// outputBytes returns the size of a run's output files. Every run that has files has a head.
func outputBytes(dir string, run format.RunKey) (size uint64) {
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
