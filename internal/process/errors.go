package process

import "fmt"

// StartError says in a plain sentence why nothing was started. The sentence holds no script text,
// no argument and no environment value.
type StartError struct {
	Sentence string
	Err      error // the system's error, where there is one
	// OfHost: the host lacks what every run needs (descriptors, memory, room for a process), so
	// that others can't be started either. The job has nothing to do with it.
	OfHost bool
}

// Error returns the sentence.
func (e *StartError) Error() string { return e.Sentence }

// Unwrap returns the system's error.
func (e *StartError) Unwrap() error { return e.Err }

func startErrorf(format string, args ...any) *StartError {
	return &StartError{Sentence: fmt.Sprintf(format, args...)}
}

func (e *StartError) because(err error) *StartError {
	e.Err = err
	return e
}

func (e *StartError) ofHost() *StartError {
	e.OfHost = true
	return e
}

// UnsupportedError says that this host can't do what a job asks for.
type UnsupportedError struct {
	Field    string // the job's field: "memory_limit_bytes", "cpu_limit_percent", "run_as", "nice"
	Sentence string // why, and what would help
}

// Error returns the sentence.
func (e *UnsupportedError) Error() string { return e.Sentence }

func unsupportedf(field, format string, args ...any) *UnsupportedError {
	return &UnsupportedError{Field: field, Sentence: fmt.Sprintf(format, args...)}
}
