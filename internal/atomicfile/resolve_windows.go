package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// resolve follows links as Windows does. Names of devices (CON, NUL, COM1, \\.\pipe\…) are
// refused, be it as they are or with an ending.
func resolve(name string) (Place, error) {
	base := filepath.Base(name)
	if !filepath.IsLocal(base) && base != "." && base != ".." || strings.HasPrefix(name, `\\.\`) {
		return Place{}, refuse(name, "is the name of a device of Windows; name another file")
	}
	if path, err := filepath.EvalSymlinks(name); err == nil {
		info, err := os.Lstat(path)
		return Place{Path: path, Info: info, Descriptor: -1}, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Place{}, err
	}
	return absent(name)
}

// absent is the place of a file that is not there yet, also behind a link.
func absent(name string) (Place, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return Place{}, err
	}
	path := filepath.Join(dir, filepath.Base(name))
	if to, err := os.Readlink(path); err == nil {
		return Place{}, refuse(name, "is a link to "+to+", where nothing is; name that")
	}
	return Place{Path: path, Descriptor: -1}, nil
}
