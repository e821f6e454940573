//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxLinks is how many links Linux follows in one name.
const maxLinks = 40

// walk follows a name part by part, as the kernel does: a ".." behind a link leads out of where
// the link leads to.
type walk struct {
	name  string
	at    string   // what was walked, free of links; "" is the working directory
	left  []string // what was not
	links int
}

func resolve(name string) (Place, error) {
	w := &walk{name: name}
	w.push(name)
	for len(w.left) > 0 {
		part := w.left[0]
		w.left = w.left[1:]
		if place, found, err := w.step(part); found || err != nil {
			return place, err
		}
	}
	return w.end()
}

// push puts the parts of a name, or of where a link leads, before what is left.
func (w *walk) push(path string) {
	if filepath.IsAbs(path) {
		w.at = "/"
	}
	w.left = append(strings.Split(path, "/"), w.left...)
}

// step walks one part; found is set where the name ends in it.
func (w *walk) step(part string) (place Place, found bool, err error) {
	switch part {
	case "", ".":
		return place, false, nil
	case "..":
		w.up()
		return place, false, nil
	}
	next := filepath.Join(w.at, part)
	info, err := os.Lstat(next)
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.isLast():
		return Place{Path: next, Descriptor: -1}, true, nil
	case err != nil:
		return place, false, w.explain(next, err)
	case info.Mode()&fs.ModeSymlink == 0:
		w.at = next
		return place, false, nil
	case isDescriptors(w.dir()):
		place, err = w.descriptor(next, part)
		return place, true, err
	}
	return place, false, w.follow(next, info)
}

func (w *walk) dir() string {
	if w.at == "" {
		return "."
	}
	return w.at
}

func (w *walk) up() {
	if w.at == "" || filepath.Base(w.at) == ".." {
		w.at = filepath.Join(w.at, "..")
		return
	}
	if w.at = filepath.Dir(w.at); w.at == "." {
		w.at = ""
	}
}

func (w *walk) isLast() bool {
	for _, part := range w.left {
		if part != "" && part != "." {
			return false
		}
	}
	return true
}

func (w *walk) explain(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "find the directory", Path: path, Err: fs.ErrNotExist}
	}
	return err
}

// follow goes on where a link leads to.
func (w *walk) follow(link string, info fs.FileInfo) error {
	if w.links++; w.links > maxLinks {
		return refuse(w.name, "is a symbolic link that leads round in a loop; name another")
	}
	if isPlanted(w.dir(), info) {
		return w.planted(link, "the symbolic link")
	}
	to, err := os.Readlink(link)
	if err == nil {
		w.push(to)
	}
	return err
}

func (w *walk) planted(path, what string) error {
	return refuse(w.name, "is not trusted: "+what+" "+path+" is another user's, in a directory "+
		"where everybody may write; name another place")
}

// end looks at what the whole name led to.
func (w *walk) end() (Place, error) {
	path := w.dir()
	info, err := os.Lstat(path)
	if err != nil {
		return Place{}, err
	}
	if !info.IsDir() && isPlanted(filepath.Dir(path), info) {
		return Place{}, w.planted(path, Kind(info.Mode()))
	}
	return Place{Path: path, Info: info, Descriptor: -1}, nil
}

// isPlanted reports whether somebody else may have put a file into dir to get hold of what is
// written: it is neither ours nor the directory's owner's, and everybody may write there. It is
// the rule of the kernel's protected_symlinks, protected_fifos and protected_regular, which do
// not all hold everywhere.
func isPlanted(dir string, info fs.FileInfo) bool {
	at, err := os.Stat(dir)
	if err != nil || at.Mode().Perm()&0o002 == 0 {
		return false
	}
	owner, dirOwner := ownerOf(info), ownerOf(at)
	return owner != os.Geteuid() && owner != dirOwner
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// isDescriptors reports whether the names in dir stand for the open files of a process.
func isDescriptors(dir string) bool {
	for _, form := range []string{"/proc/[0-9]*/fd", "/proc/[0-9]*/task/[0-9]*/fd"} {
		if matched, err := filepath.Match(form, dir); err == nil && matched {
			return true
		}
	}
	return false
}

// descriptor is the place of an open file: of this process by its number, and of another one by
// its name, where it is something that is written to and not replaced.
func (w *walk) descriptor(path, number string) (Place, error) {
	if !w.isLast() {
		return Place{}, refuse(w.name, "leads through an open file; name another")
	}
	info, err := os.Stat(path)
	if err != nil {
		return Place{}, err
	}
	place := Place{Path: path, Info: info, Descriptor: -1}
	self, err := os.Readlink("/proc/self")
	if err == nil && strings.HasPrefix(path, "/proc/"+self+"/") {
		place.Descriptor, err = strconv.Atoi(number)
		return place, err
	}
	if info.Mode().IsRegular() {
		return place, refuse(w.name, "is open in another process; name the file itself")
	}
	return place, nil
}
