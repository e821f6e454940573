package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/term"

	"gusty/messages"
)

var (
	errInterrupted      = errors.New("interrupted; nothing was started")
	errPassphrasesOther = errors.New("the two passphrases differ; nothing was made")
)

// passphrasePrompt returns what asks for the store's passphrase, or nil where there is no terminal.
func passphrasePrompt() func(isNew bool) (messages.Secret, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return func(isNew bool) (messages.Secret, error) {
		if !isNew {
			return askHidden("Passphrase of the store: ")
		}
		first, err := askHidden("New passphrase of the store: ")
		if err != nil {
			return "", err
		}
		second, err := askHidden("The same again: ")
		if err == nil && first != second {
			err = errPassphrasesOther
		}
		return first, err
	}
}

// askHidden reads a line that is not shown. An interrupt gives the terminal back as it was.
func askHidden(prompt string) (messages.Secret, error) {
	before, err := term.GetState(int(os.Stdin.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask for the passphrase: %w", err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	typed := make(chan typedLine, 1) // nothing can wake the reader: it ends with the process
	go func() {
		line, err := term.ReadPassword(int(os.Stdin.Fd()))
		typed <- typedLine{messages.Secret(line), err}
	}()
	select {
	case got := <-typed:
		return got.line, got.err
	case <-interrupted:
		return "", errors.Join(errInterrupted, term.Restore(int(os.Stdin.Fd()), before))
	}
}

type typedLine struct {
	line messages.Secret
	err  error
}
