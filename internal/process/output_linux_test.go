package process

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// brokenWriter fails at its second call.
type brokenWriter struct {
	calls int
	fail  func() (int, error)
}

func (w *brokenWriter) Write(data []byte) (int, error) {
	w.calls++
	if w.calls > 1 {
		return w.fail()
	}
	return len(data), nil
}

func TestABrokenWriterDoesNotHurtTheScript(t *testing.T) {
	h := bestHost(t)
	for name, fail := range map[string]func() (int, error){
		"an error": func() (int, error) { return 0, errors.New("disk is full") },
		"short":    func() (int, error) { return 1, nil },
		"panicked": func() (int, error) { panic("bad writer") },
	} {
		w := &brokenWriter{fail: fail}
		p, err := h.Start(Spec{
			Interpreter: "bash",
			Env:         testEnv(),
			Script:      []byte("head -c 1000000 /dev/zero; exit 6"),
			Stdout:      w,
		})
		if err != nil {
			t.Fatal(err)
		}
		res := p.Wait()
		if res.ExitCode != 6 || res.Err == nil ||
			!strings.Contains(res.Err.Error(), "standard output") || w.calls != 2 {
			t.Errorf("%s: %+v, %d calls", name, res, w.calls)
		}
	}
}

// slowWriter blocks until it is let go.
type slowWriter struct {
	begun, gone chan struct{}
	bytes       int
}

func (w *slowWriter) Write(data []byte) (int, error) {
	if w.bytes == 0 {
		close(w.begun)
		<-w.gone
	}
	w.bytes += len(data)
	return len(data), nil
}

func TestASlowWriterLosesNothing(t *testing.T) {
	h := bestHost(t)
	w := &slowWriter{begun: make(chan struct{}), gone: make(chan struct{})}
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Env:         testEnv(),
		Script:      []byte("head -c 30000 /dev/zero; head -c 60000 /dev/zero"),
		Stdout:      w,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-w.begun
	// longer than output is waited for
	timer := time.AfterFunc(2*drainGrace, func() { close(w.gone) })
	defer timer.Stop()
	if res := p.Wait(); res.Err != nil || w.bytes != 90_000 {
		t.Errorf("%+v, %d bytes", res, w.bytes)
	}
}

// TestABackgroundChildMayPrintOn checks that the pipe of a finished run does not break under what
// it left running.
func TestABackgroundChildMayPrintOn(t *testing.T) {
	h := bestHost(t)
	ended, file := t.TempDir()+"/ended", t.TempDir()+"/alive"
	script := `(until [ -e ` + ended + ` ]; do sleep .01; done; for i in 1 2 3; do echo late; sleep .01; done; echo "wrote $?" >` + file + `) & echo early`
	if res, out, _ := run(t, h, Spec{Script: []byte(script)}); out != "early\n" ||
		res.LeftRunning == 0 {
		t.Errorf("%+v %q", res, out)
	}
	if err := os.WriteFile(ended, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		text, err := os.ReadFile(file)
		if err == nil && string(text) != "wrote 0\n" {
			return errors.New(string(text))
		}
		return err
	})
	expectAlone(t)
}

// TestOutputOfABackgroundChildIsTakenForAMoment checks what comes shortly after the main process's
// exit.
func TestOutputOfABackgroundChildIsTakenForAMoment(t *testing.T) {
	h := bestHost(t)
	if _, out, _ := run(t, h, Spec{Script: []byte(`(while kill -0 $$ 2>/dev/null; do :; done; echo soon) & :`)}); out != "soon\n" {
		t.Errorf("%q", out)
	}
	expectAlone(t)
}

func TestWithoutWritersOutputIsDiscarded(t *testing.T) {
	h := bestHost(t)
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Env:         testEnv(),
		Script:      []byte("[ \"$(readlink /proc/$$/fd/1)\" = /dev/null ] || exit 1; echo x >&2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if res := p.Wait(); res.ExitCode != 0 || res.Err != nil {
		t.Errorf("%+v", res)
	}
}
