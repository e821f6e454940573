package systemd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Command returns a command that runs as root inside, with an environment that holds PATH alone.
func (m *Machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(m.Leader), "--all", "--", name}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return cmd
}

// Run runs a command inside and returns its standard output. The error of one that fails has what
// the command wrote to standard error.
func (m *Machine) Run(ctx context.Context, name string, args ...string) (string, error) {
	var complaint bytes.Buffer
	cmd := m.Command(ctx, name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		said := bytes.TrimSpace(complaint.Bytes())
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said)
	}
	return string(out), err
}

// Path returns where the host sees a file of the machine.
func (m *Machine) Path(inside string) string {
	return filepath.Join(processDir(m.Leader), "root", inside)
}

// Write writes a file inside, with its directories.
func (m *Machine) Write(inside, text string, mode os.FileMode) error {
	path := m.Path(inside)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask is
}

// Copy copies a file of the host into the machine.
func (m *Machine) Copy(file, inside string, mode os.FileMode) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return m.Write(inside, string(data), mode)
}
