package datadir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestALockThatADeadProcessLeftIsWaitedFor leaves the lock to a child, as a killed agent does that
// is just starting one.
func TestALockThatADeadProcessLeftIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	held, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "cat")
	child.ExtraFiles = []*os.File{held}
	toChild, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(nameDead(t, dir), held.Close()); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := LockDir(dir)
		if err == nil {
			err = Unlock(again)
		}
		got <- err
	}()
	if err := errors.Join(toChild.Close(), child.Wait()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the lock was not waited for: %v", err)
	}
}

// nameDead writes the id of a process that has ended into the lock file.
func nameDead(t *testing.T, dir string) error {
	t.Helper()
	ended := exec.CommandContext(t.Context(), "true")
	if err := ended.Run(); err != nil {
		return err
	}
	text := strconv.Itoa(ended.Process.Pid) + "\n"
	return os.WriteFile(filepath.Join(dir, LockName), []byte(text), 0o600)
}

// TestALockOfALivingProcessIsRefusedAtOnce holds the lock in this process.
func TestALockOfALivingProcessIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	held, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var inUse *InUseError
	if _, err := LockDir(dir); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	if err := Unlock(held); err != nil {
		t.Error(err)
	}
}
