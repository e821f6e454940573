package private

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// MakeDir makes dir and what is missing above it, each open to the trusted accounts alone. What is
// there already stays as it is.
func MakeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if info.IsDir() {
			return nil
		}
		return &fs.PathError{Op: "mkdir", Path: dir, Err: windows.ERROR_DIRECTORY}
	}
	if parent := filepath.Dir(filepath.Clean(dir)); parent != dir {
		if err := MakeDir(parent); err != nil {
			return err
		}
	}
	return makeOne(dir)
}

func makeOne(dir string) error {
	attributes, err := attributesFor(true)
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.CreateDirectory(name, attributes)
	}
	if err != nil && !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return nil
}

// OpenFile opens a file as os.OpenFile does. One that it makes is open to the trusted accounts
// alone, whatever perm is. One that is there already, and that it was allowed to make, is refused
// where it belongs to another account, and closed to all others.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&os.O_CREATE == 0 {
		return os.OpenFile(path, flag, perm)
	}
	for {
		f, err := create(path, flag)
		if flag&os.O_EXCL != 0 || !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		f, err = openExisting(path, flag)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		// It was removed between the two calls.
	}
}

// create makes a file that must not be there yet.
func create(path string, flag int) (*os.File, error) {
	attributes, err := attributesFor(false)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	// A link in the place of the file is something that is there.
	return openHandle(
		path,
		rights(flag),
		attributes,
		windows.CREATE_NEW,
		windows.FILE_FLAG_OPEN_REPARSE_POINT,
	)
}

// openExisting opens a file that is there, and cuts it only when it is known to be ours.
func openExisting(path string, flag int) (*os.File, error) {
	f, err := openHandle(
		path,
		rights(flag)|windows.READ_CONTROL|windows.WRITE_DAC,
		nil,
		windows.OPEN_EXISTING,
		0,
	)
	if errors.Is(err, fs.ErrPermission) { // it may be ours to use, and an administrator's to close
		f, err = openHandle(path, rights(flag)|windows.READ_CONTROL, nil, windows.OPEN_EXISTING, 0)
	}
	if err != nil {
		return nil, err
	}
	_, err = secure(windows.Handle(f.Fd()), path, false)
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// rights translates flags as os.OpenFile does.
func rights(flag int) uint32 {
	switch {
	case flag&os.O_APPEND != 0 && flag&os.O_TRUNC == 0:
		// Without the right to write elsewhere each write goes to the end.
		read := uint32(0)
		if flag&os.O_RDWR != 0 {
			read = windows.GENERIC_READ
		}
		return read | windows.FILE_APPEND_DATA | windows.FILE_WRITE_ATTRIBUTES |
			windows.FILE_WRITE_EA | windows.STANDARD_RIGHTS_WRITE | windows.SYNCHRONIZE
	case flag&os.O_WRONLY != 0:
		return windows.GENERIC_WRITE
	}
	return windows.GENERIC_READ | windows.GENERIC_WRITE
}

func openHandle(
	path string,
	rights uint32,
	attributes *windows.SecurityAttributes,
	disposition, flags uint32,
) (*os.File, error) {
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := windows.CreateFile(
		name,
		rights,
		share,
		attributes,
		disposition,
		windows.FILE_ATTRIBUTE_NORMAL|flags,
		0,
	)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// CreateTemp makes a new file in dir as os.CreateTemp does, open to the trusted accounts alone.
func CreateTemp(dir, pattern string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	before, after := pattern, ""
	if at := strings.LastIndexByte(pattern, '*'); at >= 0 {
		before, after = pattern[:at], pattern[at+1:]
	}
	for {
		f, err := create(
			filepath.Join(dir, before+strings.ToLower(rand.Text()[:13])+after),
			os.O_RDWR,
		)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
