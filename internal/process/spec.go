package process

import (
	"io"
	"strings"
)

// Spec says what to run and how. The zero value of a field asks for nothing special.
type Spec struct {
	// BeforeBirth is called when the start has its turn, after what may take long; its error ends
	// the start, and is what Start returns. May be nil.
	BeforeBirth func() error
	// Interpreter runs Script: a name that is looked up in the PATH of Env, or a path.
	Interpreter string
	// Alternatives are tried in order where Interpreter is not found ("python" after "python3").
	Alternatives []string
	// Script is the text for the interpreter. It may be empty. It is not changed and not kept after
	// Start.
	Script []byte
	// Shell runs CommandLine by `sh -c` (Windows: `cmd /C`) in place of Interpreter and Script.
	Shell       bool
	CommandLine string
	// Args follow the script or the command line.
	Args []string
	// Env is the complete environment, name=value; of two values for one name the last one counts.
	// See BaseEnv.
	Env []string
	// Dir is the working directory; empty: the agent's own.
	Dir string
	// RunAs is the user to run as, with its group and supplementary groups; empty: the agent's own.
	RunAs string
	// Nice is the scheduling priority, -20 (first) to 19 (last).
	Nice int
	// MemoryLimitBytes bounds the memory of the run's tree; 0: none.
	MemoryLimitBytes int64
	// CPULimitPercent bounds the processor time of the run's tree in percent of one core (200: two
	// cores); 0: none.
	CPULimitPercent int
	// Stdout and Stderr get the output as it comes, in pieces of at most 32 KiB that are valid only
	// during the call; nil discards. They are called from two goroutines, also at the same time,
	// and never after Wait has returned. Nothing is buffered here: while a Write blocks, the pipe
	// fills and then the script waits, and so does Wait. After an error or a panic of a Write the
	// rest of that stream is read and thrown away, so that the script does not suffer, and
	// Result.Err says so.
	Stdout, Stderr io.Writer
	// KillRemaining ends what the main process left running when it exits. Otherwise that lives on,
	// and what it prints later than a quarter of a second after that exit is discarded.
	KillRemaining bool
	// Mark is the run's id, 1 to 64 of A-Z a-z 0-9 - _: EndOrphans finds the run by it. Empty: the
	// run can't be found by it.
	Mark string
}

// Limits are the wishes of a Spec that not every host can hold.
type Limits struct {
	MemoryLimitBytes int64
	CPULimitPercent  int
	Nice             int
	RunAs            string
}

// Limits returns those of the spec.
func (s *Spec) Limits() Limits {
	return Limits{
		MemoryLimitBytes: s.MemoryLimitBytes,
		CPULimitPercent:  s.CPULimitPercent,
		Nice:             s.Nice,
		RunAs:            s.RunAs,
	}
}

// check refuses what no host could start. The kernel would answer the same with a bare "invalid
// argument".
func (s *Spec) check() error {
	if s.Mark != "" && !validMark(s.Mark) {
		return startErrorf("the run's mark %q needs 1 to 64 of the characters A-Z a-z 0-9 - _",
			s.Mark)
	}
	if !s.Shell && s.Interpreter == "" {
		return startErrorf("there is neither an interpreter nor a command line")
	}
	if strings.ContainsRune(s.CommandLine, 0) {
		return startErrorf("the command line has a NUL character in it")
	}
	for i, a := range s.Args {
		if strings.ContainsRune(a, 0) {
			return startErrorf("argument %d has a NUL character in it", i+1)
		}
	}
	return s.checkEnv()
}

func (s *Spec) checkEnv() error {
	for _, e := range s.Env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" {
			return startErrorf("an entry of the environment is not of the form name=value")
		}
		if strings.ContainsRune(e, 0) {
			return startErrorf("the environment variable %q has a NUL character in it",
				strings.ReplaceAll(name, "\x00", ""))
		}
	}
	return nil
}

// validMark keeps a mark from being anything but one plain file name.
func validMark(mark string) bool {
	if mark == "" || len(mark) > 64 {
		return false
	}
	for _, c := range []byte(mark) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// announce calls BeforeBirth.
func (s *Spec) announce() error {
	if s.BeforeBirth == nil {
		return nil
	}
	return s.BeforeBirth()
}
