package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// maxPasswordFileBytes is more than any password; a bigger file was named by mistake.
const maxPasswordFileBytes = 4096

// readPassword takes the next line of from, and no byte after it: what follows on standard input is
// the next password, or what a command reads.
func (a *app) readPassword(from io.Reader, name string) (messages.Secret, error) {
	var data []byte
	for next := make([]byte, 1); len(data) < maxPasswordFileBytes; data = append(data, next[0]) {
		_, err := io.ReadFull(from, next)
		if errors.Is(err, io.EOF) || err == nil && next[0] == '\n' {
			break
		}
		if err != nil {
			return "", exit.Usagef("cannot read the password from %s: %w", name, err)
		}
	}
	line := strings.TrimSuffix(string(data), "\r")
	if line == "" {
		return "", exit.Usagef("the first line of %s is empty; it must be the password", name)
	}
	return messages.Secret(line), nil
}

// askPassword asks on the terminal, without showing what is typed. An interrupt gives the terminal
// back as it was.
func (a *app) askPassword(ctx context.Context, prompt string) (messages.Secret, error) {
	if !isTerminal(a.in) {
		return "", exit.Usagef("no password is known, and there is no terminal to ask on; give " +
			"--password-file, or set GUSTY_PASSWORD_FILE or GUSTY_PASSWORD")
	}
	before, err := term.GetState(int(a.in.Fd()))
	if err != nil {
		return "", exit.Failedf("cannot read the password: %w", err)
	}
	if a.stopSpin != nil {
		a.stopSpin()
	}
	fmt.Fprint(a.errOut, prompt)
	defer fmt.Fprintln(a.errOut)
	// so that the reader, which nothing can wake, ends with the process and not before
	typed := make(chan typedPassword, 1)
	go func() {
		line, err := term.ReadPassword(int(a.in.Fd()))
		typed <- typedPassword{messages.Secret(line), err}
	}()
	select {
	case got := <-typed:
		return got.secret, got.failure()
	case <-ctx.Done():
		_ = term.Restore(int(a.in.Fd()), before) // the process ends: there is nobody left to tell
		return "", exit.Failedf("interrupted; nothing was done")
	}
}

type typedPassword struct {
	secret messages.Secret
	err    error
}

func (t typedPassword) failure() error {
	switch {
	case t.err != nil:
		return exit.Failedf("cannot read the password: %w", t.err)
	case t.secret == "":
		return exit.Usagef("no password was typed; nothing was done")
	}
	return nil
}

// askNewPassword asks twice.
func (a *app) askNewPassword(ctx context.Context, user string) (messages.Secret, error) {
	first, err := a.askPassword(ctx, "New password of "+user+": ")
	if err != nil {
		return "", err
	}
	second, err := a.askPassword(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", exit.Usagef("the two passwords differ; nothing was changed")
	}
	return first, nil
}
