package access

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

const readable = "D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FR;;;WD)" // by everyone

// allowed returns the SIDs that a list may name: the system, the administrators, the service gusty,
// and who runs the test.
func allowed(t *testing.T) []string {
	t.Helper()
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"S-1-5-18", "S-1-5-32-544",
		"S-1-5-80-939321569-2904798956-1841013014-1391807454-3198082554", // NT SERVICE\gusty
		user.User.Sid.String(),
	}
}

// expectAllClosed walks through path and fails for each file that others own or can open.
func expectAllClosed(t *testing.T, path string) (paths []string) {
	t.Helper()
	allowed, shows := allowed(t), protectionShows(t)
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		paths = append(paths, path)
		expectClosed(t, path, allowed, shows)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return paths
}

func expectClosed(t *testing.T, path string, allowed []string, shows bool) {
	t.Helper()
	d := descriptorOf(t, path)
	owner, _, err := d.Owner()
	if err != nil || !slices.Contains(allowed, owner.String()) {
		t.Errorf("%s has another owner: %s, error %v", path, d, err)
	}
	if control, _, err := d.Control(); err != nil ||
		shows && control&windows.SE_DACL_PROTECTED == 0 {
		t.Errorf("%s takes entries from the directory above: %s, error %v", path, d, err)
	}
	list, _, err := d.DACL()
	if err != nil || list == nil || list.AceCount == 0 {
		t.Errorf("%s has no list: %s, error %v", path, d, err)
		return
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			t.Fatal(err)
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)).String(); !slices.Contains(
			allowed,
			sid,
		) {
			t.Errorf("%s is open to %s: %s", path, sid, d)
		}
	}
}

func descriptorOf(t *testing.T, path string) *windows.SECURITY_DESCRIPTOR {
	t.Helper()
	d, err := windows.GetNamedSecurityInfo(
		path,
		windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION,
	)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return d
}

// setList sets a list as it stands.
func setList(t *testing.T, path, sddl string) {
	t.Helper()
	d, err := windows.SecurityDescriptorFromString(sddl)
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
		uintptr(unsafe.Pointer(d)),
	)
	if ok == 0 {
		t.Fatal(err)
	}
}

// protectionShows reports whether the system tells of a list that it is protected: Wine keeps a
// list as a mode, and does not.
func protectionShows(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	setList(t, dir, "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
	control, _, err := descriptorOf(t, dir).Control()
	if err != nil {
		t.Fatal(err)
	}
	return control&windows.SE_DACL_PROTECTED != 0
}
