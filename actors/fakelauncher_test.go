package actors

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gusty/internal/process"
)

// fakeLauncher starts processes that obey their script, one instruction: "exit N", "sleep SECONDS",
// "hang" (until it is terminated), "stubborn" (until its grace is over), "print TEXT", "prints
// TEXT" (now and a second later, and hangs), "absent" (it cannot be started), "roomless" (nothing
// can be), "burst" (the launcher panics).
type fakeLauncher struct {
	mu      sync.Mutex
	started []*fakeProcess
	running int
	most    int // that ran at once
	orphans []process.Orphan
	unable  error // why the host can't start anything; nil: it can
	trials  int
}

type fakeProcess struct {
	launcher *fakeLauncher
	job, run string
	attempt  string
	at       time.Time
	once     sync.Once
	exited   chan process.Result
	stubborn bool
}

func (l *fakeLauncher) TryStart() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trials++
	return l.unable
}

func (l *fakeLauncher) Start(spec process.Spec) (Process, error) {
	verb, rest, _ := strings.Cut(string(spec.Script)+spec.CommandLine, " ")
	if spec.BeforeBirth != nil {
		if err := spec.BeforeBirth(); err != nil {
			return nil, err
		}
	}
	switch verb {
	case "absent":
		return nil, &process.StartError{
			Sentence: "bash was not found in PATH",
			Err:      errors.New("exec: secret detail"),
		}
	case "roomless":
		return nil, &process.StartError{
			Sentence: "the host has no room for another run",
			OfHost:   true,
		}
	case "broken":
		return nil, errors.New("secret detail")
	case "burst":
		panic("the launcher burst")
	}
	p := &fakeProcess{
		launcher: l,
		run:      spec.Mark,
		at:       time.Now(),
		exited:   make(chan process.Result, 1),
		stubborn: verb == "stubborn",
	}
	p.job, p.attempt = variable(spec.Env, "GUSTY_JOB"), variable(spec.Env, "GUSTY_ATTEMPT")
	l.mu.Lock()
	l.started = append(l.started, p)
	l.running++
	l.most = max(l.most, l.running)
	l.mu.Unlock()
	switch number, _ := strconv.Atoi(rest); verb {
	case "sleep":
		time.AfterFunc(time.Duration(number)*time.Second, func() { p.exit(0, "") })
	case "hang", "stubborn":
	case "prints":
		for _, after := range []time.Duration{0, time.Second} {
			time.AfterFunc(after, func() { _, _ = spec.Stdout.Write([]byte(rest)) }) // into memory
		}
	case "print":
		_, err := spec.Stdout.Write([]byte(rest))
		if err != nil {
			_, err = spec.Stderr.Write([]byte(err.Error()))
		}
		p.end(process.Result{Ended: time.Now(), Err: err})
	default:
		p.exit(number, "")
	}
	return p, nil
}

func variable(env []string, name string) string {
	i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(env[i], name+"=")
}

func (l *fakeLauncher) EndOrphans(orphans []process.Orphan) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orphans = append(l.orphans, orphans...)
	return len(orphans), nil
}

// of returns the processes that a job has started, in order; of all jobs with an empty name.
func (l *fakeLauncher) of(job string) []*fakeProcess {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*fakeProcess
	for _, p := range l.started {
		if job == "" || p.job == job {
			found = append(found, p)
		}
	}
	return found
}

func (l *fakeLauncher) under() (running, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running, l.most
}

func (p *fakeProcess) exit(code int, signal string) {
	p.end(process.Result{ExitCode: code, Signal: signal, Ended: time.Now()})
}

func (p *fakeProcess) end(result process.Result) {
	p.once.Do(func() {
		p.launcher.mu.Lock()
		p.launcher.running--
		p.launcher.mu.Unlock()
		p.exited <- result
	})
}

func (p *fakeProcess) PID() int             { return 4242 }
func (p *fakeProcess) StartTicks() uint64   { return 77 }
func (p *fakeProcess) StartedAt() time.Time { return p.at }
func (p *fakeProcess) Wait() process.Result { return <-p.exited }

func (p *fakeProcess) Terminate(grace time.Duration) {
	if p.stubborn && grace > 0 {
		time.AfterFunc(grace, func() { p.exit(-1, "SIGKILL") })
		return
	}
	p.exit(-1, "SIGTERM")
}

func (l *fakeLauncher) setUnable(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unable = err
}

func (l *fakeLauncher) tries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trials
}
