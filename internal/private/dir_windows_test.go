package private

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// foreignDir belongs to another user; the chroot of .ci/wine has it.
const foreignDir = `Z:\foreign`

func TestMakeDirIsClosedFromTheBeginning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "data")
	for range 2 { // the second time it is there
		if err := MakeDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	expectClosed(t, filepath.Dir(dir))
	expectClosed(t, dir)
}

func TestMakeDirTakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(path); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// A directory as an earlier version made it, whose entries let others read.
func TestSecureDirClosesWhatAnEarlierVersionMade(t *testing.T) {
	dir := openDir(t)
	logged := &bytes.Buffer{}
	if err := SecureDir(dir, slog.New(slog.NewTextHandler(logged, nil))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "key", "tls", `tls\server-key.pem`} {
		expectClosed(t, filepath.Join(dir, name))
	}
	if line := logged.String(); !strings.Contains(line, "level=WARN") ||
		!strings.Contains(line, sidEveryone) ||
		!strings.Contains(line, "key rotate") {
		t.Errorf("logged: %s", line)
	}
	logged.Reset()
	if err := SecureDir(dir, slog.New(slog.NewTextHandler(logged, nil))); err != nil ||
		logged.Len() > 0 {
		t.Errorf("the second time: error %v, logged %s", err, logged)
	}
}

func TestSecureDirRefusesWhatOthersMayChange(t *testing.T) {
	dir := openDir(t)
	setAccess(t, dir, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)")
	err := SecureDir(dir, nil)
	if err == nil || !strings.Contains(err.Error(), "can be changed by") ||
		!strings.Contains(err.Error(), "icacls") {
		t.Fatalf("error %v, want a refusal with its cure", err)
	}
	if a := accessOf(t, filepath.Join(dir, "key")); len(a.strangers(trustedHere(t))) == 0 {
		t.Error("what was refused was changed")
	}
}

func TestSecureDirRefusesAnotherOwner(t *testing.T) {
	if _, err := os.Stat(foreignDir); err != nil {
		t.Skipf("there is no directory of another user at %s: %v", foreignDir, err)
	}
	for name, err := range map[string]error{
		"SecureDir": SecureDir(foreignDir, nil), "CheckOwner": CheckOwner(foreignDir),
	} {
		if err == nil || !strings.Contains(err.Error(), "belongs to") ||
			!strings.Contains(err.Error(), "/setowner") {
			t.Errorf("%s: error %v, want a refusal with its cure", name, err)
		}
	}
}

func TestCheckOwnerTakesOurs(t *testing.T) {
	if err := CheckOwner(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := CheckOwner(filepath.Join(t.TempDir(), "missing")); !os.IsNotExist(err) {
		t.Errorf("error %v, want that there is none", err)
	}
}

// A link is looked at before it is followed, and what it leads to is not changed.
func TestSecureDirLooksThroughLinks(t *testing.T) {
	dir, elsewhere := openDir(t), openDir(t)
	if err := os.Symlink(elsewhere, filepath.Join(dir, "output")); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	if info, err := os.Lstat(filepath.Join(dir, "output")); err != nil ||
		info.Mode()&os.ModeSymlink == 0 {
		t.Skip("this system does not show links")
	}
	if err := SecureDir(dir, nil); err == nil ||
		!strings.Contains(err.Error(), "can be read or changed by") {
		t.Errorf("error %v, want a refusal of what the link leads to", err)
	}
	if err := SecureDir(elsewhere, nil); err != nil {
		t.Fatal(err)
	}
	if err := SecureDir(dir, nil); err != nil {
		t.Errorf("a link to a closed directory: %v", err)
	}
	link := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := SecureDir(link, nil); err != nil {
		t.Errorf("a data directory behind a link: %v", err)
	}
}

// openDir makes a directory with files in it that everyone can read.
func openDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key", `tls\server-key.pem`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "key", "tls", `tls\server-key.pem`} {
		path := filepath.Join(dir, name)
		setAccess(t, path, "D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FR;;;WD)")
		if a := accessOf(t, path); len(a.strangers(trustedHere(t))) == 0 {
			t.Fatalf("%s can't be opened to others: %+v", path, a)
		}
	}
	return dir
}

// setAccess sets a list as it stands: Wine's SetNamedSecurityInfo adds the entries of the directory
// above even to a protected one.
func setAccess(t *testing.T, path, sddl string) {
	t.Helper()
	descriptor, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	set := windows.NewLazySystemDLL("advapi32.dll").NewProc("SetFileSecurityW")
	ok, _, err := set.Call(
		uintptr(unsafe.Pointer(name)),
		windows.DACL_SECURITY_INFORMATION,
		uintptr(unsafe.Pointer(descriptor)),
	)
	if ok == 0 {
		t.Fatal(err)
	}
}

func trustedHere(t *testing.T) []string {
	t.Helper()
	a, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	return a.trusted
}

func accessOf(t *testing.T, path string) *access {
	t.Helper()
	f, _, err := openToRead(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := readAccess(windows.Handle(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// expectClosed reads the list of a path back.
func expectClosed(t *testing.T, path string) {
	t.Helper()
	a, trusted := accessOf(t, path), trustedHere(t)
	if strangers := a.strangers(trusted); len(strangers) > 0 || !a.isOwnedBy(trusted) {
		t.Errorf("%s belongs to %s and is open to %q", path, a.owner, strangers)
	}
	if len(a.entries) == 0 {
		t.Errorf("%s is closed to everyone", path)
	}
	if !a.protected && protectionShows(t) {
		t.Errorf("%s takes entries from the directory above", path)
	}
}

// protectionShows reports whether the system tells of a list that it is protected: Wine keeps a
// list as a mode, and does not.
func protectionShows(t *testing.T) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	setAccess(t, path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)")
	return accessOf(t, path).protected
}
