package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// outputPiece is one line of a run's output as NDJSON: text, or base64 where the bytes are no
// UTF-8, or how many bytes were left out.
type outputPiece struct {
	Stream  string  `json:"stream"`
	Text    *string `json:"text"`
	Base64  []byte  `json:"base64"`
	Skipped int64   `json:"skipped"`
}

func (p *outputPiece) bytes() []byte {
	switch {
	case p.Skipped > 0:
		return fmt.Appendf(nil, "\n[gusty: %d bytes left out]\n", p.Skipped)
	case p.Text != nil:
		return []byte(*p.Text)
	default:
		return p.Base64
	}
}

// follow prints what a run prints, to our streams of the same name, until it ends. The agent's
// blank lines between, which keep the connection alive, are no output.
func (a *app) follow(ctx context.Context, c *client, id, stream string) error {
	response, err := c.open(ctx,
		get(runPath(id)+"/output", "stream", stream, "follow", "true", "format", "ndjson"))
	if err != nil {
		return interrupted(err, id)
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	decoder := json.NewDecoder(response.Body)
	for {
		var line json.RawMessage
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return interrupted(explain(err, c.target), id)
		}
		if err := a.printPiece(line); err != nil {
			return err
		}
	}
}

func (a *app) printPiece(line json.RawMessage) error {
	if a.json {
		return a.write(append(line, '\n'))
	}
	var piece outputPiece
	if err := json.Unmarshal(line, &piece); err != nil {
		return strange(err)
	}
	to := a.out
	if piece.Stream == messages.Stderr.String() {
		to = a.errOut
	}
	if _, err := to.Write(piece.bytes()); err != nil {
		return exit.Failedf("cannot print: %w", err)
	}
	return nil
}

// interrupted says of what ended the watching, an interrupt or a broken connection, that it did not
// end the run.
func interrupted(err error, id string) error {
	switch {
	case errors.Is(err, context.Canceled):
		return exit.Failedf("interrupted; the run goes on: gustyctl run logs -f %s", id)
	case err != nil && exit.Code(err) == exit.Unreachable:
		return &exit.Error{
			Code:  exit.Unreachable,
			Text:  err.Error() + "; the run may go on: gustyctl run show " + id,
			Cause: err,
		}
	default:
		return err
	}
}

// followRun follows a run to its end, and gives its exit code as ours.
func (a *app) followRun(ctx context.Context, c *client, id string) error {
	if err := a.follow(ctx, c, id, "all"); err != nil {
		return err
	}
	ended, _, err := c.pollRun(ctx, id)
	if err != nil {
		return interrupted(err, id)
	}
	if code := ended.followCode(); code != exit.OK || ended.State != messages.RunSucceeded {
		return exit.NewExitError(code, "run %s %s", id, ended.ending())
	}
	return nil
}

// signalBase is what shells add to a signal's number.
const signalBase = 128

// followCode is the run's own exit code; that of a shell, 128 and the signal's number, where a
// signal ended it; and 1 for a run that did not come to an end by itself or never began, also where
// its script left with 0 when it was told to end.
func (r *runRecord) followCode() int {
	switch {
	case r.State == messages.RunSucceeded && r.ExitCode != nil:
		return *r.ExitCode
	case r.State == messages.RunSucceeded:
		return exit.OK
	case r.ExitCode != nil && *r.ExitCode != exit.OK:
		return *r.ExitCode
	case r.State == messages.RunFailed && r.Signal != nil && signalNumber(*r.Signal) != 0:
		return signalBase + signalNumber(*r.Signal)
	default:
		return exit.Failed
	}
}
