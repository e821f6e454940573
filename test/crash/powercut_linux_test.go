package crash

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gusty/messages"
	"gusty/persistence"
	"gusty/test/agent"
)

// ReplayVariable is the environment variable that says for how many seconds states of a disk after
// a power cut are tried.
const ReplayVariable = "GUSTY_REPLAY_SECONDS"

const (
	defaultReplay = 10 * time.Second
	recordFor     = time.Second
	sectorBytes   = 512 // what a disk writes whole or not at all
)

// TestPowerCut records every write and sync of the database file while clients write, and puts
// together what a disk may show after a power cut at each of these calls: all that was synced, and
// of what was written since then any part, torn at sectors. Each such file must open, and show what
// was acknowledged by then.
func TestPowerCut(t *testing.T) {
	r := newReplay(t)
	deadline := time.Now().Add(replayTime(t))
	states := r.pass(t, r.calls, whole) + r.pass(t, r.calls, nothing) + r.pass(t, r.calls, torn)
	passes := 3
	for ; time.Now().Before(deadline) && !t.Failed(); passes++ {
		states += r.pass(t, r.calls, torn)
	}
	t.Logf("%d calls, %d changes, %d states in %d passes", len(r.calls), r.changes(), states,
		passes)
	t.Run("without the syncs", r.testWithoutSyncs)
}

func replayTime(t *testing.T) time.Duration {
	t.Helper()
	value := os.Getenv(ReplayVariable)
	if value == "" {
		return defaultReplay
	}
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 1 {
		t.Fatalf("%s is %q, not a number of seconds", ReplayVariable, value)
	}
	return time.Duration(seconds) * time.Second
}

// replay is a recording with the file that it began with.
type replay struct {
	history history
	calls   []*call
	base    []byte
	dir     string // where the files are opened
	random  *rand.Rand
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	dir := t.TempDir()
	if code, err := start(t, dir).Stop(); code != 0 || err != nil {
		t.Fatalf("stopping: %d, %v", code, err)
	}
	r := &replay{dir: memoryDir(t), random: rand.New(rand.NewPCG(1, 2))}
	for name, to := range map[string]*[]byte{"gusty.db": &r.base, "key": nil} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && to != nil {
			*to = content
		} else if err == nil {
			err = os.WriteFile(filepath.Join(r.dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	binary, log := tracedBinary(t, dir)
	process, err := agent.Start(t.Context(), agent.Options{Binary: binary, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Kill() }()
	if r.history, err = record(t.Context(), process.ClientT(t),
		time.Now().Add(recordFor)); err != nil {
		t.Fatal(err)
	}
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Fatalf("stopping: %d, %v", code, err)
	}
	awaitEnd(t, log, process.PID)
	r.calls = readCalls(t, log)
	return r
}

// memoryDir returns a directory where a sync costs nothing, if there is one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gusty-replay-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *replay) changes() (n int) {
	for _, changes := range r.history {
		n += len(changes)
	}
	return n
}

// choice applies what a disk has of the calls that are not synced.
type choice func(random *rand.Rand, file []byte, open []*call) []byte

// whole: the disk has all.
func whole(_ *rand.Rand, file []byte, open []*call) []byte {
	for _, c := range open {
		file = c.apply(file)
	}
	return file
}

// nothing: the disk has what was synced.
func nothing(_ *rand.Rand, file []byte, _ []*call) []byte { return file }

// torn: of each call the disk has all, nothing, or some sectors.
func torn(random *rand.Rand, file []byte, open []*call) []byte {
	for _, c := range open {
		switch random.IntN(4) {
		case 0:
			file = c.apply(file)
		case 1:
		case 2: // its front
			n := sectorBytes * random.IntN(len(c.data)/sectorBytes+1)
			file = (&call{name: c.name, data: c.data[:n], at: c.at}).apply(file)
		case 3:
			for at := 0; at < len(c.data); at += sectorBytes {
				if random.IntN(2) == 0 {
					end := min(at+sectorBytes, len(c.data))
					file = (&call{
						name: c.name,
						data: c.data[at:end],
						at:   c.at + int64(at),
					}).apply(file)
				}
			}
		}
	}
	return file
}

// apply returns the file with the call carried out.
func (c *call) apply(file []byte) []byte {
	size := c.at + int64(len(c.data))
	if c.name == "pwrite64" && len(c.data) == 0 {
		return file
	}
	if int64(len(file)) < size {
		file = append(file, make([]byte, size-int64(len(file)))...)
	}
	if c.name == "ftruncate" {
		return file[:c.at]
	}
	copy(file[c.at:], c.data)
	return file
}

// pass tries one state for each call: the power fails before it has ended.
func (r *replay) pass(t *testing.T, calls []*call, choose choice) (states int) {
	t.Helper()
	synced := bytes.Clone(r.base)
	var open []*call
	for i, c := range calls {
		if !c.syncs() {
			open = append(open, c)
		}
		file := choose(r.random, bytes.Clone(synced), open)
		if err := r.check(file, c.ended); err != nil {
			t.Errorf("a power cut in call %d of %d, %s at %d, with %d calls not synced: %v", i,
				len(calls), c.name, c.at, len(open), err)
			return states
		}
		states++
		if c.syncs() {
			synced, open = whole(nil, synced, open), nil
		}
	}
	return states
}

// check opens a file, and compares it with what was acknowledged by a time.
func (r *replay) check(file []byte, at time.Time) (err error) {
	if err := os.WriteFile(filepath.Join(r.dir, "gusty.db"), file, 0o600); err != nil {
		return err
	}
	// The states come in no order, and a store that was opened on a later one remembers that.
	store, err := persistence.Open(persistence.Options{
		Dir:            r.dir,
		Existing:       true,
		AcceptRollback: true,
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := store.Close(); err == nil {
			err = closing
		}
	}()
	return r.compare(store, at)
}

func (r *replay) compare(store *persistence.Store, at time.Time) error {
	versions := map[string]int{}
	_, err := store.LoadJobs(func(h messages.JobHead) error { versions[h.Name] = -1; return nil })
	if err != nil {
		return err
	}
	for name := range versions {
		job, err := store.Job(name)
		if err != nil {
			return err
		}
		var version int
		if _, err := fmt.Sscanf(string(job.Content), "# %d", &version); err != nil ||
			string(job.Content) != script(version) {
			return fmt.Errorf("the script of %q is not one that was ever written", name)
		}
		versions[name] = version
	}
	for name := range r.history {
		if version := versions[name]; !r.history.allows(name, version, at) {
			return fmt.Errorf("%q is at version %d (0: absent), which is not what was acknowledged",
				name, version)
		}
	}
	return nil
}

// testWithoutSyncs holds the test itself to its word: of a store that does not sync, it must find
// that acknowledged changes are lost.
func (r *replay) testWithoutSyncs(t *testing.T) {
	last := r.calls[len(r.calls)-1].ended
	var writes []*call
	for _, c := range r.calls {
		if !c.syncs() {
			writes = append(writes, c)
		}
	}
	lost := 0
	for range 20 {
		file := torn(r.random, bytes.Clone(r.base), writes)
		if err := r.check(file, last); err != nil {
			lost++
		}
	}
	if lost < 20 {
		t.Errorf("only %d of 20 states without a sync were found to be wrong", lost)
	}
}
