package main

import (
	"errors"
	"fmt"
	"io/fs"
)

// The exit codes, for scripts. Those of a command or a script that ran on the agent are in its
// answer (exit_code), not here: a script must be able to tell a command that exited with 3 from an
// agent that could not be reached. Only job run --follow stands for the run itself. A crash of
// gustyctl, which the Go runtime ends with 2 and a stack trace, is not to be told from wrong usage
// by the code: no script goes on after either.
const (
	exitOK          = 0
	exitFailed      = 1 // the agent or what it ran failed
	exitUsage       = 2 // the command line, a profile or a file that it names is wrong
	exitUnreachable = 3 // no agent found, no connection, or a certificate that is not trusted
	exitRefused     = 4 // the agent refused the request (4xx)
	exitDiffers     = 5 // apply --dry-run --exit-code found something to change
)

const exitCodeHelp = `Exit codes:
0 done, 1 failed (also: the command or script that ran there failed),
2 wrong usage (or a crash), 3 the agent could not be reached or trusted, 4 the agent refused the
request, 5 apply --dry-run --exit-code would change something.
job run --follow exits with the run's own code, which may be any of these.`

// exitError is an error with the exit code that it leads to. Its text is one sentence that says
// what to do.
type exitError struct {
	code  int
	text  string
	cause error
}

func (e *exitError) Error() string { return e.text }

func (e *exitError) Unwrap() error { return e.cause }

func failedf(format string, args ...any) error { return newExitError(exitFailed, format, args...) }

func usagef(format string, args ...any) error { return newExitError(exitUsage, format, args...) }

func unreachablef(format string, args ...any) error {
	return newExitError(exitUnreachable, format, args...)
}

func newExitError(code int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &exitError{code: code, text: err.Error(), cause: errors.Unwrap(err)}
}

// exitCode returns the code that err asks for. Only what cobra itself says of a command line asks
// for none, and what it could not print.
func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, writing := errors.AsType[*fs.PathError](err); writing {
		return exitFailed
	}
	return exitUsage
}
