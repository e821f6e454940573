package persistence

import (
	"time"

	"gusty/messages"
)

// The fields of a run's record. The run's id is the row's key.
const (
	runScriptName      = 1
	runKind            = 2
	runState           = 3 // the number of stateNumber
	runReason          = 4
	runTrigger         = 5
	runPrincipal       = 6
	runAttempt         = 7
	runDueAt           = 8
	runStartedAt       = 9
	runEndedAt         = 10
	runArmed           = 11
	runPID             = 12
	runPIDStart        = 13
	runExitCode        = 14 // absent: none
	runSignal          = 15
	runCount           = 16
	runCPUUser         = 17 // nanoseconds, as the next one
	runCPUSystem       = 18
	runMaxRSS          = 19
	runStdoutBytes     = 20
	runStderrBytes     = 21
	runStdoutTruncated = 22
	runStderrTruncated = 23
	runOutputInFile    = 24
	runChunk           = 25 // repeated: a chunk of inline output
)

// The fields of a chunk of inline output.
const (
	chunkStream  = 1
	chunkAt      = 2
	chunkData    = 3
	chunkSkipped = 4
)

func encodeRun(e *encoder, r *messages.Run) {
	e.text(runScriptName, r.ScriptName)
	e.text(runKind, string(r.Kind))
	e.uint(runState, uint64(stateNumber(r.State)))
	e.text(runReason, r.Reason)
	e.text(runTrigger, string(r.Trigger))
	e.text(runPrincipal, r.Principal)
	e.int(runAttempt, int64(r.Attempt))
	e.time(runDueAt, r.DueAt)
	e.time(runStartedAt, r.StartedAt)
	e.time(runEndedAt, r.EndedAt)
	e.bool(runArmed, r.Armed)
	e.int(runPID, int64(r.PID))
	e.uint(runPIDStart, r.PIDStart)
	if r.ExitCode != nil {
		e.explicit = true
		e.int(runExitCode, int64(*r.ExitCode))
		e.explicit = false
	}
	e.text(runSignal, r.Signal)
	e.int(runCount, int64(r.Count))
	e.int(runCPUUser, int64(r.Usage.CPUUser))
	e.int(runCPUSystem, int64(r.Usage.CPUSystem))
	e.int(runMaxRSS, r.Usage.MaxRSSBytes)
	encodeOutput(e, &r.Output)
}

func encodeOutput(e *encoder, o *messages.OutputSummary) {
	e.int(runStdoutBytes, o.StdoutBytes)
	e.int(runStderrBytes, o.StderrBytes)
	e.bool(runStdoutTruncated, o.StdoutTruncated)
	e.bool(runStderrTruncated, o.StderrTruncated)
	e.bool(runOutputInFile, o.InFile)
	for i := range o.Inline {
		var c encoder
		c.uint(chunkStream, uint64(o.Inline[i].Stream))
		c.time(chunkAt, o.Inline[i].At)
		c.bytes(chunkData, o.Inline[i].Data)
		c.int(chunkSkipped, o.Inline[i].Skipped)
		e.bytes(runChunk, c.buf)
	}
}

// decodeRun reads a run; its inline output only where inline is set, so that a page of runs stays
// small.
func decodeRun(id runKey, record []byte, inline bool) (messages.Run, error) {
	r := messages.Run{ID: id.String()}
	d := decoder{rest: record}
	for d.next() {
		switch {
		case d.number == runChunk && inline:
			r.Output.Inline = append(r.Output.Inline, decodeChunk(&d))
		case d.number <= runEndedAt:
			decodeRunHistory(&d, &r)
		default:
			decodeRunOutcome(&d, &r)
		}
	}
	return r, d.err
}

func decodeRunHistory(d *decoder, r *messages.Run) {
	switch d.number {
	case runScriptName:
		r.ScriptName = d.text()
	case runKind:
		r.Kind = messages.RunKind(d.text())
	case runState:
		r.State = stateOf(d.uint())
	case runReason:
		r.Reason = d.text()
	case runTrigger:
		r.Trigger = messages.Trigger(d.text())
	case runPrincipal:
		r.Principal = d.text()
	case runAttempt:
		r.Attempt = int(d.int())
	case runDueAt:
		r.DueAt = d.time()
	case runStartedAt:
		r.StartedAt = d.time()
	case runEndedAt:
		r.EndedAt = d.time()
	}
}

func decodeRunOutcome(d *decoder, r *messages.Run) {
	switch d.number {
	case runArmed:
		r.Armed = d.bool()
	case runPID:
		r.PID = int(d.int())
	case runPIDStart:
		r.PIDStart = d.uint()
	case runExitCode:
		code := int(d.int())
		r.ExitCode = &code
	case runSignal:
		r.Signal = d.text()
	case runCount:
		r.Count = int(d.int())
	case runCPUUser:
		r.Usage.CPUUser = time.Duration(d.int())
	case runCPUSystem:
		r.Usage.CPUSystem = time.Duration(d.int())
	case runMaxRSS:
		r.Usage.MaxRSSBytes = d.int()
	case runStdoutBytes:
		r.Output.StdoutBytes = d.int()
	case runStderrBytes:
		r.Output.StderrBytes = d.int()
	case runStdoutTruncated:
		r.Output.StdoutTruncated = d.bool()
	case runStderrTruncated:
		r.Output.StderrTruncated = d.bool()
	case runOutputInFile:
		r.Output.InFile = d.bool()
	}
}

func decodeChunk(d *decoder) (chunk messages.OutputChunk) {
	c := decoder{rest: d.data}
	for c.next() {
		switch c.number {
		case chunkStream:
			chunk.Stream = messages.Stream(c.uint())
		case chunkAt:
			chunk.At = c.time()
		case chunkData:
			chunk.Data = c.bytes()
		case chunkSkipped:
			chunk.Skipped = c.int()
		}
	}
	if c.err != nil {
		d.fail()
	}
	return chunk
}
