package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// InsistVariable is the environment variable with which a machine that cannot boot is a failure.
const InsistVariable = "GUSTY_SYSTEMD"

// Lacks returns what this host lacks to boot a machine; nil: nothing.
func Lacks() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a real systemd is booted by root alone")
	}
	for command, pkg := range map[string]string{
		"systemd-nspawn": "systemd-container", "systemctl": "systemd", "dbus-daemon": "dbus",
		"unshare": "util-linux", "nsenter": "util-linux", "bash": "bash",
	} {
		if _, err := exec.LookPath(command); err != nil {
			return fmt.Errorf("there is no %s: install the package %s", command, pkg)
		}
	}
	return nil
}

// BootT boots a machine that ends with the test. Where this host can't, the test is skipped, and
// fails with GUSTY_SYSTEMD=insist.
func BootT(t testing.TB) *Machine {
	t.Helper()
	if err := Lacks(); err != nil {
		if os.Getenv(InsistVariable) == "insist" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	m, err := Boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}
