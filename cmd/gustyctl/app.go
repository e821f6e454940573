package main

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// app is one invocation: the streams, what the flags said, and the clock.
type app struct {
	in       *os.File
	out      io.Writer
	errOut   io.Writer
	getenv   func(string) string
	now      func() time.Time
	settings settings
	json     bool
	stopSpin func() // clears the line that spins, where one does; nil before the first
}

func newApp() *app {
	return &app{in: os.Stdin, out: os.Stdout, errOut: os.Stderr, getenv: os.Getenv, now: time.Now}
}

// connect resolves which agent is meant and with which credentials. It may ask for a password, and
// sends nothing yet.
func (a *app) connect(ctx context.Context) (*client, error) {
	target, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	return newClient(target), nil
}

// call connects and sends one request.
func (a *app) call(ctx context.Context, req request) (*answer, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, req)
}

// show sends one request and prints the object that comes back.
func (a *app) show(ctx context.Context, req request) error {
	got, err := a.call(ctx, req)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	return a.printObject(got)
}

// say sends one request and prints the sentence that comes back, be it a bare JSON string or an
// Exec.
func (a *app) say(ctx context.Context, req request) error {
	got, err := a.call(ctx, req)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	return a.printLine(got.sentence())
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
