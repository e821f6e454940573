package process

import (
	"os"
	"time"
)

// lookLimit is how long the file systems of the interpreter and of the working directory may take
// to answer.
const lookLimit = 10 * time.Second

// look finds the program, and tries the working directory. It comes before anything that other
// starts need: while a process is made no other can be, so a mount that hangs must be noticed
// before. What hangs here costs a goroutine until the mount answers.
func look(spec *Spec, find func() (string, error)) (path string, err error) {
	type answer struct {
		path string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		path, err := find()
		if err == nil && spec.Dir != "" {
			// one that can't be entered is explained when entering it has failed
			_, _ = os.Stat(spec.Dir)
		}
		answered <- answer{path, err}
	}()
	limit := time.NewTimer(lookLimit)
	defer limit.Stop()
	select {
	case a := <-answered:
		return a.path, a.err
	case <-limit.C:
		return "", startErrorf("PATH or the working directory %s did not answer for %s: a file "+
			"system that is mounted there may hang",
			spec.Dir, lookLimit)
	}
}
