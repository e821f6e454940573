package persistence

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"gusty/messages"
)

// rotateForever is a child that makes one data key after the other while it writes, and tells of
// each.
func rotateForever(dir string) int {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	fmt.Println("open")
	for n := 0; ; n++ {
		if err := s.RotateKey(); err == nil {
			fmt.Println("begun")
		}
		if c := try(s, messages.SettingRow{
			Name:  "meanwhile",
			Value: fmt.Append(nil, n),
		}); c.Err != nil {
			fmt.Println("commit:", c.Err)
			return 1
		}
	}
}

func TestRotationKilledAtAnyMoment(t *testing.T) {
	cycles := 40
	if testing.Short() {
		cycles = 4
	}
	dir := t.TempDir()
	if err := fillForRotation(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	halves := 0
	for cycle := range cycles {
		killRotation(t, dir, time.Duration(rand.IntN(60_000))*time.Microsecond)
		s := openStore(t, dir) // which verifies the digests
		k, err := s.KeyRotation()
		if err != nil {
			t.Fatal(err)
		}
		if !isIdle(k) {
			halves++
		}
		checkLongOutput(t, s, 100, 101, 102, 103)
		if job, err := s.Job("job number 30"); err != nil ||
			!bytes.Equal(job.Content, testJob("job number 30").Content) {
			t.Fatalf("cycle %d: %+v, %v", cycle, job, err)
		}
		if cycle%8 == 0 {
			awaitRotation(t, s, isIdle)
			checkVersions(t, s, k.KeyVersion)
		}
		checkCounted(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if halves == 0 && !testing.Short() {
		t.Error("no rotation was cut short")
	}
}

// killRotation kills a child that rotates, some time after it has begun.
func killRotation(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0], dir)
	child.Env = append(os.Environ(), "GUSTY_TEST_CHILD=rotate")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(30*time.Second, func() { _ = child.Process.Kill() })
	defer guard.Stop()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatal(lines.Text())
	}
	time.AfterFunc(after, func() { _ = child.Process.Kill() })
	for lines.Scan() {
		if line := lines.Text(); line != "begun" {
			t.Fatal(line)
		}
	}
	_ = child.Wait() // it was killed
}
