package main

import (
	"context"
	"errors"
	"io"
	"os"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/atomicfile"
)

// fromStandardInput is the name that stands for standard input.
const fromStandardInput = "-"

// openInput opens what a command reads once: a regular file, standard input, or another file that
// this process was started with, which may be a pipe. A named pipe would wait for ever.
func (a *app) openInput(name string) (*os.File, error) {
	if name == fromStandardInput {
		return a.in, nil
	}
	f, err := atomicfile.OpenRegular(name)
	if _, refused := errors.AsType[*atomicfile.RefusedError](err); !refused {
		return f, err
	}
	if place, resolving := atomicfile.Resolve(name); resolving == nil && place.Descriptor >= 0 {
		return os.Open(name)
	}
	return nil, err
}

// spooled returns the path of a file to read more than once: name itself, or a copy of what can be
// read once only. remove is to be called when it is read.
func (a *app) spooled(ctx context.Context, name string) (path string, remove func(), err error) {
	remove = func() {}
	from, err := a.openInput(name)
	if err != nil {
		return "", remove, exit.Usagef("cannot read the file: %w", err)
	}
	defer func() { _ = from.Close() }() // opened for reading: there is nothing to lose
	info, err := from.Stat()
	if err != nil {
		return "", remove, exit.Usagef("cannot read the file: %w", err)
	}
	if name != fromStandardInput && info.Mode().IsRegular() {
		return name, remove, nil
	}
	return spool(ctx, from)
}

// spool copies what is read into a file of its own, closed to others. A signal removes it, too.
func spool(ctx context.Context, from io.Reader) (path string, remove func(), err error) {
	remove = func() {}
	f, err := os.CreateTemp("", "gustyctl-input-")
	if err != nil {
		return "", remove, exit.Failedf("cannot make a place for what is read: %w", err)
	}
	remove = func() { _ = os.Remove(f.Name()) } // a copy in the place for such
	context.AfterFunc(ctx, remove)
	_, err = io.Copy(f, from)
	if err := errors.Join(err, f.Close()); err != nil {
		remove()
		return "", remove, exit.Failedf("cannot copy what is read to %s: %w", f.Name(), err)
	}
	return f.Name(), remove, nil
}
