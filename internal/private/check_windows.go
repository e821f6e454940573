package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// Check returns an error that names the command which mends it where another account than the
// trusted ones can read or change an open file, or owns it.
func Check(f *os.File) error { return checkClosed(windows.Handle(f.Fd()), f.Name()) }

// CheckOwner returns an error that names the cure where a directory, or a link in its place,
// belongs to an account that is not trusted, and an error of the file system where there is none.
func CheckOwner(dir string) error {
	for _, follow := range []bool{false, true} {
		f, _, err := openToRead(dir, follow)
		if err != nil {
			return err
		}
		_, err = check(windows.Handle(f.Fd()), dir)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// check reads the access of what is open and refuses an owner who is not trusted.
func check(h windows.Handle, path string) (*access, error) {
	a, err := readAccess(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	trusted, err := ours()
	if err != nil {
		return nil, fmt.Errorf("ask for the process's user: %w", err)
	}
	if !a.isOwnedBy(trusted.trusted) {
		return nil, fmt.Errorf("%s belongs to %s, who could read and change it; remove it, or if "+
			"its "+
			"content is yours run as an administrator: icacls \"%s\" /setowner *%s /T /L",
			path, accountName(a.owner), path, sidAdministrators)
	}
	return a, nil
}

func checkClosed(h windows.Handle, path string) error {
	a, err := check(h, path)
	if err != nil {
		return err
	}
	trusted, err := ours()
	if err != nil {
		return fmt.Errorf("ask for the process's user: %w", err)
	}
	if strangers := a.strangers(trusted.trusted); len(strangers) > 0 {
		return fmt.Errorf("%s can be read or changed by %s; run: %s",
			path, accountNames(strangers), closeCommand(path))
	}
	return nil
}

// closeCommand returns the commands that leave a path to the trusted accounts.
func closeCommand(path string) string {
	right := ":F"
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		right = ":(OI)(CI)F"
	}
	var grants strings.Builder
	if trusted, err := ours(); err == nil {
		for _, sid := range trusted.granted {
			grants.WriteString(" *" + sid + right)
		}
	}
	return fmt.Sprintf("icacls \"%s\" /reset, and then: icacls \"%s\" /inheritance:r /grant:r%s",
		path, path, grants.String())
}

// checkVolume refuses a volume that keeps no access lists.
func checkVolume(h windows.Handle, dir string) error {
	const keepsLists = 0x8 // FILE_PERSISTENT_ACLS
	var flags uint32
	err := windows.GetVolumeInformationByHandle(h, nil, 0, nil, nil, &flags, nil, 0)
	if err != nil {
		return fmt.Errorf("ask for the volume of %s: %w", dir, err)
	}
	if flags&keepsLists == 0 {
		return fmt.Errorf(
			"%s is on a volume without access lists (FAT or exFAT), where every user "+
				"can read the key; name a --data-dir on an NTFS or ReFS volume", dir)
	}
	return nil
}

// openEntry opens a file or a directory for a look at its access list, and for a change of it where
// that is allowed. isLink: it is a link or a junction, which was not followed.
func openEntry(path string, follow bool) (f *os.File, isLink bool, err error) {
	const look = windows.READ_CONTROL | windows.FILE_READ_ATTRIBUTES
	f, isLink, err = openAccess(path, look|windows.WRITE_DAC, follow)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.ERROR_WRITE_PROTECT) {
		return openToRead(path, follow)
	}
	return f, isLink, err
}

// openToRead is openEntry for a look alone.
func openToRead(path string, follow bool) (f *os.File, isLink bool, err error) {
	return openAccess(path, windows.READ_CONTROL|windows.FILE_READ_ATTRIBUTES, follow)
}

func openAccess(path string, rights uint32, follow bool) (f *os.File, isLink bool, err error) {
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	flags := uint32(windows.FILE_FLAG_BACKUP_SEMANTICS)
	if !follow {
		flags |= windows.FILE_FLAG_OPEN_REPARSE_POINT
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, false, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := windows.CreateFile(name, rights, share, nil, windows.OPEN_EXISTING, flags, 0)
	if err != nil {
		return nil, false, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f = os.NewFile(uintptr(h), path)
	info, err := f.Stat()
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	// A link, a junction or a mount point leads elsewhere; other reparse points (compressed or
	// deduplicated files) are what they seem.
	return f, info.Mode()&fs.ModeSymlink != 0 || info.Mode()&fs.ModeIrregular != 0, nil
}
