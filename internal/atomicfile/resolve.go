package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Place is where a name leads once its symbolic links are followed.
type Place struct {
	Path string      // without a link in it
	Info fs.FileInfo // of what is there; nil where nothing is
	// Descriptor is the number of the open file that the name stands for, as /dev/stdout and
	// /dev/fd/3 do, and otherwise -1.
	Descriptor int
}

// RefusedError reports a name that nothing is written to, and why.
type RefusedError struct {
	Name   string
	Reason string // a clause whose subject is the name, and what to do
}

// Error returns the sentence.
func (e *RefusedError) Error() string { return e.Name + " " + e.Reason }

func refuse(name, reason string) error { return &RefusedError{Name: name, Reason: reason} }

// Resolve follows the symbolic links of name: of its directories and of itself. There need be
// nothing at its end yet, but its directory must be there. A link, or a file at the end, that
// another user put into a directory where everybody may write is not trusted. The error is a
// *RefusedError, or one of the file system.
func Resolve(name string) (Place, error) {
	switch {
	case name == "":
		return Place{}, refuse(`""`, "is no name of a file; give one")
	case strings.ContainsRune(name, 0):
		return Place{}, refuse(fmt.Sprintf("%q", name), "is no name of a file; leave out the NUL")
	case os.IsPathSeparator(name[len(name)-1]):
		return Place{}, refuse(name, "names a directory; name a file in it")
	}
	return resolve(name)
}

// ResolveRegular is Resolve for what is replaced as a whole: a regular file, or nothing yet.
func ResolveRegular(name string) (Place, error) {
	place, err := Resolve(name)
	if err != nil || place.Info == nil || place.Info.Mode().IsRegular() && place.Descriptor < 0 {
		return place, err
	}
	return place, refuse(name, "is "+Kind(place.Info.Mode())+"; name a regular file")
}

// Kind returns what a file is, with its article.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeCharDevice != 0:
		return "a character device"
	case mode&fs.ModeDevice != 0:
		return "a block device"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "no regular file"
}
