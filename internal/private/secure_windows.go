package private

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/windows"
)

// SecureDir sees to it that a data directory and all in it belongs to trusted accounts and is open
// to them alone. It refuses, with a sentence that names the cure, what belongs to another account,
// what others were given the right to change, links that lead to either, and a volume that keeps no
// access lists. What merely takes entries from the directory above, as in a directory that an
// earlier version made, is closed, and logged where logger is not nil.
func SecureDir(dir string, logger *slog.Logger) error {
	t := tightening{dir: dir}
	err := t.root()
	if err == nil {
		err = t.below(dir)
	}
	t.report(logger)
	return err
}

// tightening is one walk through a data directory.
type tightening struct {
	dir       string
	closed    int      // how many files and directories were not protected
	strangers []string // who could read or change something
}

// root looks at the data directory itself. A link in its place is looked at first, and then what it
// leads to.
func (t *tightening) root() error {
	f, isLink, err := openEntry(t.dir, false)
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	if isLink {
		_, err := check(windows.Handle(f.Fd()), t.dir)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if f, _, err = openEntry(t.dir, true); err != nil {
			return fmt.Errorf("look at the data directory: %w", err)
		}
	}
	err = t.enter(windows.Handle(f.Fd()))
	return errors.Join(err, f.Close())
}

func (t *tightening) enter(h windows.Handle) error {
	if err := checkVolume(h, t.dir); err != nil {
		return err
	}
	a, err := check(h, t.dir)
	if err != nil {
		return err
	}
	trusted, err := ours()
	if err != nil {
		return err
	}
	if writers := a.writers(trusted.trusted); len(writers) > 0 {
		return fmt.Errorf("%s can be changed by %s; look through what is in it, and as an "+
			"administrator run: %s", t.dir, accountNames(writers), closeCommand(t.dir))
	}
	return t.close(h, t.dir, true)
}

// below closes what is in a directory that is closed itself. A directory gets its final list after
// all in it has one: that list tells the next start that there is nothing left to look at.
func (t *tightening) below(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	for _, e := range entries {
		if err := t.look(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (t *tightening) look(path string) error {
	f, isLink, err := openEntry(path, false)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	defer func() { _ = f.Close() }() // opened to look at it
	h := windows.Handle(f.Fd())
	if isLink {
		return lookThrough(h, path)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	if !info.IsDir() {
		return t.close(h, path, false)
	}
	return t.lookInto(h, path)
}

// lookInto closes a directory to newcomers, then what is in it, and then sets its final list.
func (t *tightening) lookInto(h windows.Handle, path string) error {
	a, err := check(h, path)
	if err != nil {
		return err
	}
	trusted, err := ours()
	if err != nil || a.isClosed(trusted.trusted) {
		return err
	}
	t.note(a, trusted)
	if err := writeAccess(h, true, false); err != nil {
		return fmt.Errorf("close %s to others: %w", path, err)
	}
	if err := t.below(path); err != nil {
		return err
	}
	return t.close(h, path, true)
}

// close checks the owner and sets the list where it is another one.
func (t *tightening) close(h windows.Handle, path string, isDir bool) error {
	before, err := secure(h, path, isDir)
	if err != nil || before == nil {
		return err
	}
	trusted, err := ours()
	if err != nil {
		return err
	}
	t.note(before, trusted)
	after, err := readAccess(h)
	if err != nil {
		return err
	}
	// Where a list can't be protected, as under Wine, each start would tell of it.
	if after.protected || len(before.strangers(trusted.trusted)) > 0 {
		t.closed++
	}
	return nil
}

func (t *tightening) note(a *access, trusted accounts) {
	for _, sid := range a.strangers(trusted.trusted) {
		if !slices.Contains(t.strangers, sid) {
			t.strangers = append(t.strangers, sid)
		}
	}
}

func (t *tightening) report(logger *slog.Logger) {
	switch {
	case logger == nil:
	case len(t.strangers) > 0:
		logger.Warn(
			"the data directory was open to other accounts and is closed now; they may know "+
				"its key and its passwords: run gustyctl key rotate, gustyctl key rotate --data, "+
				"and "+
				"change "+
				"the passwords",
			"directory", t.dir, "open_to", accountNames(t.strangers), "closed", t.closed)
	case t.closed > 0:
		logger.Info("the data directory takes no access rights from the directory above any more",
			"directory", t.dir, "closed", t.closed)
	}
}

// secure checks the owner of what is open and sets our list where another one lets others in, or
// could get entries from above. It returns what was there before a change, nil where there was
// none.
func secure(h windows.Handle, path string, isDir bool) (before *access, err error) {
	a, err := check(h, path)
	if err != nil {
		return nil, err
	}
	trusted, err := ours()
	if err != nil || a.isClosed(trusted.trusted) {
		return nil, err
	}
	if err := writeAccess(h, isDir, true); err != nil {
		return nil, fmt.Errorf("close %s to others: %w", path, err)
	}
	return a, checkClosed(h, path)
}

// lookThrough checks a link in the data directory, and what it leads to, which is not changed.
func lookThrough(link windows.Handle, path string) error {
	if _, err := check(link, path); err != nil {
		return err
	}
	f, _, err := openEntry(path, true)
	if err != nil {
		return fmt.Errorf("%s is a link that leads nowhere; remove it: %w", path, err)
	}
	defer func() { _ = f.Close() }() // opened to look at it
	return checkClosed(windows.Handle(f.Fd()), path)
}
