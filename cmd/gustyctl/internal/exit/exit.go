package exit

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
	OK          = 0
	Failed      = 1 // the agent or what it ran failed
	Usage       = 2 // the command line, a profile or a file that it names is wrong
	Unreachable = 3 // no agent found, no connection, or a certificate that is not trusted
	Refused     = 4 // the agent refused the request (4xx)
	Differs     = 5 // apply --dry-run --exit-code found something to change
)

const Help = `Exit codes:
0 done, 1 failed (also: the command or script that ran there failed),
2 wrong usage (or a crash), 3 the agent could not be reached or trusted, 4 the agent refused the
request, 5 apply --dry-run --exit-code would change something.
job run --follow exits with the run's own code, which may be any of these.`

// Error is an error with the exit code that it leads to. Its text is one sentence that says
// what to do.
type Error struct {
	Code  int
	Text  string
	Cause error
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Cause }

func Failedf(format string, args ...any) error { return NewExitError(Failed, format, args...) }

func Usagef(format string, args ...any) error { return NewExitError(Usage, format, args...) }

func Unreachablef(format string, args ...any) error {
	return NewExitError(Unreachable, format, args...)
}

func NewExitError(code int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Text: err.Error(), Cause: errors.Unwrap(err)}
}

// Code returns the code that err asks for. Only what cobra itself says of a command line asks
// for none, and what it could not print.
func Code(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if _, writing := errors.AsType[*fs.PathError](err); writing {
		return Failed
	}
	return Usage
}
