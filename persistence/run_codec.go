package persistence

import (
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
)

// The fields of a run's record. The run's id is the row's key.
const (
	runScriptName      = 1
	runKind            = 2
	runState           = 3 // the number of StateNumber
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

func encodeRun(e *format.Encoder, r *messages.Run) {
	e.Text(runScriptName, r.ScriptName)
	e.Text(runKind, string(r.Kind))
	e.Uint(runState, uint64(format.StateNumber(r.State)))
	e.Text(runReason, r.Reason)
	e.Text(runTrigger, string(r.Trigger))
	e.Text(runPrincipal, r.Principal)
	e.Int(runAttempt, int64(r.Attempt))
	e.Time(runDueAt, r.DueAt)
	e.Time(runStartedAt, r.StartedAt)
	e.Time(runEndedAt, r.EndedAt)
	e.Bool(runArmed, r.Armed)
	e.Int(runPID, int64(r.PID))
	e.Uint(runPIDStart, r.PIDStart)
	if r.ExitCode != nil {
		e.Explicit = true
		e.Int(runExitCode, int64(*r.ExitCode))
		e.Explicit = false
	}
	e.Text(runSignal, r.Signal)
	e.Int(runCount, int64(r.Count))
	e.Int(runCPUUser, int64(r.Usage.CPUUser))
	e.Int(runCPUSystem, int64(r.Usage.CPUSystem))
	e.Int(runMaxRSS, r.Usage.MaxRSSBytes)
	encodeOutput(e, &r.Output)
}

func encodeOutput(e *format.Encoder, o *messages.OutputSummary) {
	e.Int(runStdoutBytes, o.StdoutBytes)
	e.Int(runStderrBytes, o.StderrBytes)
	e.Bool(runStdoutTruncated, o.StdoutTruncated)
	e.Bool(runStderrTruncated, o.StderrTruncated)
	e.Bool(runOutputInFile, o.InFile)
	for i := range o.Inline {
		var c format.Encoder
		c.Uint(chunkStream, uint64(o.Inline[i].Stream))
		c.Time(chunkAt, o.Inline[i].At)
		c.Bytes(chunkData, o.Inline[i].Data)
		c.Int(chunkSkipped, o.Inline[i].Skipped)
		e.Bytes(runChunk, c.Buf)
	}
}

// decodeRun reads a run; its inline output only where inline is set, so that a page of runs stays
// small.
func decodeRun(id format.RunKey, record []byte, inline bool) (messages.Run, error) {
	r := messages.Run{ID: id.String()}
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch {
		case d.Number == runChunk && inline:
			r.Output.Inline = append(r.Output.Inline, decodeChunk(&d))
		case d.Number <= runEndedAt:
			decodeRunHistory(&d, &r)
		default:
			decodeRunOutcome(&d, &r)
		}
	}
	return r, d.Err
}

func decodeRunHistory(d *format.Decoder, r *messages.Run) {
	switch d.Number {
	case runScriptName:
		r.ScriptName = d.Text()
	case runKind:
		r.Kind = messages.RunKind(d.Text())
	case runState:
		r.State = format.StateOf(d.Uint())
	case runReason:
		r.Reason = d.Text()
	case runTrigger:
		r.Trigger = messages.Trigger(d.Text())
	case runPrincipal:
		r.Principal = d.Text()
	case runAttempt:
		r.Attempt = int(d.Int())
	case runDueAt:
		r.DueAt = d.Time()
	case runStartedAt:
		r.StartedAt = d.Time()
	case runEndedAt:
		r.EndedAt = d.Time()
	}
}

func decodeRunOutcome(d *format.Decoder, r *messages.Run) {
	switch d.Number {
	case runArmed:
		r.Armed = d.Bool()
	case runPID:
		r.PID = int(d.Int())
	case runPIDStart:
		r.PIDStart = d.Uint()
	case runExitCode:
		code := int(d.Int())
		r.ExitCode = &code
	case runSignal:
		r.Signal = d.Text()
	case runCount:
		r.Count = int(d.Int())
	case runCPUUser:
		r.Usage.CPUUser = time.Duration(d.Int())
	case runCPUSystem:
		r.Usage.CPUSystem = time.Duration(d.Int())
	case runMaxRSS:
		r.Usage.MaxRSSBytes = d.Int()
	case runStdoutBytes:
		r.Output.StdoutBytes = d.Int()
	case runStderrBytes:
		r.Output.StderrBytes = d.Int()
	case runStdoutTruncated:
		r.Output.StdoutTruncated = d.Bool()
	case runStderrTruncated:
		r.Output.StderrTruncated = d.Bool()
	case runOutputInFile:
		r.Output.InFile = d.Bool()
	}
}

func decodeChunk(d *format.Decoder) (chunk messages.OutputChunk) {
	c := format.Decoder{Rest: d.Data}
	for c.Next() {
		switch c.Number {
		case chunkStream:
			chunk.Stream = messages.Stream(c.Uint())
		case chunkAt:
			chunk.At = c.Time()
		case chunkData:
			chunk.Data = c.Bytes()
		case chunkSkipped:
			chunk.Skipped = c.Int()
		}
	}
	if c.Err != nil {
		d.Fail()
	}
	return chunk
}
