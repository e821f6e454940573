package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/atomicfile"
	"gusty/internal/outfile"
)

// toStandardOutput is the part of a help text about what FILE may be.
const toStandardOutput = `FILE may be - for standard output, or a named pipe or a device, which get the bytes as they
come; a symbolic link stays, and what it leads to is written. No file of an agent's is overwritten.`

// openTarget opens what a command is to write to. keyFile is the one that it was told of.
func (a *app) openTarget(
	ctx context.Context, name string, o outfile.Options, keyFile string,
) (*outfile.Target, error) {
	stdout, ok := a.out.(*os.File)
	if !ok {
		return nil, exit.Failedf("standard output is no file")
	}
	given, err := a.given()
	if err != nil {
		return nil, err
	}
	kept := sparedFiles{
		dirs:     candidates(given.DataDir, a.getenv),
		keyFiles: []string{keyFile, a.getenv("GUSTY_KEY_FILE")},
	}
	o.Stdout, o.Spare = stdout, kept.check
	t, err := outfile.Open(ctx, name, o)
	if err != nil {
		return nil, explainWrite(err)
	}
	return t, nil
}

// explainWrite turns an error of a target into one that knows its exit code. It leaves one that
// does as it is.
func explainWrite(err error) error {
	_, coded := errors.AsType[*exit.Error](err)
	_, refused := errors.AsType[*atomicfile.RefusedError](err)
	path, isPath := errors.AsType[*fs.PathError](err)
	switch {
	case err == nil, coded:
		return err
	case errors.Is(err, context.Canceled):
		return &exit.Error{Code: exit.Failed, Text: "interrupted; no file was written", Cause: err}
	case refused:
		return exit.Usagef("%w", err)
	case isPath && errors.Is(err, fs.ErrNotExist):
		return exit.Usagef("there is no directory %s; make it, or name a file elsewhere", path.Path)
	}
	return exit.Failedf("%w", err)
}

// finishTarget commits a target after a write without an error, and discards it after another one.
func finishTarget(t *outfile.Target, err error) error {
	if err == nil {
		return explainWrite(t.Commit())
	}
	_ = t.Discard() // the first error is the one to tell
	return err
}

// quietly reports whether there is nobody left to tell of err: who read our output has gone.
func (a *app) quietly(err error) bool {
	write, ok := errors.AsType[*outfile.WriteError](err)
	return ok && outfile.IsClosedPipe(err) && write.Name == "standard output"
}
