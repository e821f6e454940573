package crash

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// call is one system call on the database file, in the order in which the agent made them.
type call struct {
	name         string // pwrite64, ftruncate, fdatasync or fsync
	data         []byte // of a pwrite64
	at           int64  // offset of a pwrite64, size of an ftruncate
	begun, ended time.Time
}

func (c *call) syncs() bool { return c.name == "fdatasync" || c.name == "fsync" }

// tracedBinary writes a program that runs gustyd under strace, which notes the calls that change
// the database file.
func tracedBinary(t *testing.T, dir string) (binary, log string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("strace is needed: apt-get install strace")
		}
		t.Skip("strace is not installed")
	}
	database, err := filepath.EvalSymlinks(filepath.Join(dir, "gusty.db"))
	if err != nil {
		t.Fatal(err)
	}
	place := t.TempDir()
	binary, log = filepath.Join(place, "traced"), filepath.Join(place, "calls")
	script := fmt.Sprintf("#!/bin/sh\nexec %s -D -f -q -P %s -e "+
		"trace=pwrite64,ftruncate,fdatasync,fsync -e signal=none -xx -s 16777216 -ttt -T -o %s "+
		"%s \"$@\"\n",
		strace, database, log, os.Getenv(agent.BinaryVariable))
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return binary, log
}

// awaitEnd waits until strace, which is a process apart, has written that the agent ended.
func awaitEnd(t *testing.T, log string, pid int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if text, err := os.ReadFile(log); err == nil && regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\S+ \+\+\+ exited`, pid)).Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("strace does not come to its end")
		}
	}
}

// readCalls reads what strace wrote. A call that another thread's call interrupted lies on two
// lines.
func readCalls(t *testing.T, log string) (calls []*call) {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 128<<20)
	unfinished := map[string]*call{} // by thread
	for lines.Scan() {
		thread, rest, _ := strings.Cut(lines.Text(), " ")
		stamp, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		switch {
		case strings.HasPrefix(rest, "+++"):
		case strings.HasPrefix(rest, "<... "):
			if c := unfinished[thread]; c != nil {
				c.end(t, rest)
			}
			delete(unfinished, thread)
		default:
			c := parseCall(t, stamp, rest)
			calls = append(calls, c)
			if strings.HasSuffix(rest, "<unfinished ...>") {
				unfinished[thread] = c
			} else {
				c.end(t, rest)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}

// parseCall reads `pwrite64(8, "\x05…", 4096, 12288) = 4096 <0.000020>` up to the parenthesis, and
// the time in front of it.
func parseCall(t *testing.T, stamp, text string) *call {
	t.Helper()
	seconds, micros, _ := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	us, microErr := strconv.ParseInt(micros, 10, 64)
	if err != nil || microErr != nil {
		t.Fatalf("strace wrote a line that begins with %q", stamp)
	}
	name, arguments, _ := strings.Cut(text, "(")
	c := &call{name: name, begun: time.Unix(s, us*1000)}
	last := strings.FieldsFunc(arguments, func(r rune) bool { return strings.ContainsRune(`,() `, r) })
	switch name {
	case "pwrite64":
		quoted, _, _ := strings.Cut(arguments[strings.Index(arguments, `"`)+1:], `"`)
		if c.data, err = hex.DecodeString(strings.ReplaceAll(quoted, `\x`, "")); err != nil || strconv.Itoa(len(c.data)) != last[2] {
			t.Fatalf("strace did not write all of a call's %s bytes (%v)", last[2], err)
		}
		c.at, err = strconv.ParseInt(last[3], 10, 64)
	case "ftruncate":
		c.at, err = strconv.ParseInt(last[1], 10, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// end reads how long the call took, and expects that it has done all that it was asked to.
func (c *call) end(t *testing.T, text string) {
	t.Helper()
	found := regexp.MustCompile(`= (-?\d+).*<([0-9.]+)>$`).FindStringSubmatch(text[max(0, len(text)-80):])
	if found == nil || found[1] != strconv.Itoa(len(c.data)) {
		t.Fatalf("a call of %s ended with %q", c.name, text[max(0, len(text)-80):])
	}
	seconds, err := strconv.ParseFloat(found[2], 64)
	if err != nil {
		t.Fatal(err)
	}
	c.ended = c.begun.Add(time.Duration(seconds * float64(time.Second)))
}
