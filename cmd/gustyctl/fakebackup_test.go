package main

import (
	"net/http"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"gusty/persistence"
)

// backup sends one of a store that is made for it, once; every other time it is cut short.
func (f *fakeAgent) backup(w http.ResponseWriter, _ *http.Request) {
	dir, err := os.MkdirTemp("", "fake-agent-")
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal", "", err.Error())
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := persistence.Open(persistence.Options{Dir: dir})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal", "", err.Error())
		return
	}
	defer func() { _ = store.Close() }()
	b, err := store.Backup()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal", "", err.Error())
		return
	}
	defer b.Close()
	f.mu.Lock()
	f.backups++
	short := f.backups%2 == 0
	f.mu.Unlock()
	if short {
		_, _ = w.Write(make([]byte, 1024))
		return
	}
	_, _ = b.WriteTo(w)
}

// cut leaves half of a file: cut FILE.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cut FILE")
	}
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

// spoil destroys the list of free pages of a closed database: spoil FILE.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: spoil FILE")
	}
	path := ts.MkAbs(args[0])
	file, err := os.ReadFile(path)
	ts.Check(err)
	for at := 0; at+os.Getpagesize() <= len(file); at += os.Getpagesize() {
		if file[at+8] == 0x10 { // the flag of a page with free pages
			file[at+8] = 0x11
		}
	}
	ts.Check(os.WriteFile(path, file, 0o600))
}
