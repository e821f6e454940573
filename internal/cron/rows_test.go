package cron

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// row is one line of testdata: an expression with the first firings strictly after a time, as
// independent implementations give them.
type row struct {
	Expr  string  `json:"expr"`
	Zone  string  `json:"tz"`
	From  int64   `json:"from"`
	Next  []int64 `json:"next"`
	Error bool    `json:"error"`
	Tag   string  `json:"tag"`
}

// Where a row has fewer firings than this, there are no more.
const rowFirings = 10

func TestRows(t *testing.T) {
	for _, r := range readAllRows(t) {
		checkRow(t, r)
	}
}

func readRows(t testing.TB, name string) []row {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var rows []row
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v: %s", name, err, lines.Text())
		}
		rows = append(rows, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func checkRow(t *testing.T, r row) {
	t.Helper()
	s, err := Parse(r.Expr)
	if (err != nil) != r.Error {
		t.Errorf("%q (%s): error %v, want one: %v", r.Expr, r.Tag, err, r.Error)
	}
	if err != nil || r.Error {
		return
	}
	at := time.Unix(r.From, 0).In(zone(t, r.Zone))
	for i, want := range r.Next {
		at = s.Next(at)
		if at.Unix() != want {
			t.Errorf("%q in %s (%s) from %d: firing %d is %v (%d), want %d", r.Expr, r.Zone, r.Tag,
				r.From, i, at, at.Unix(), want)
			return
		}
	}
	complete := r.Tag != "" // rows about clock changes stop when they have shown the change
	if at = s.Next(at); complete && len(r.Next) < rowFirings && !at.IsZero() {
		t.Errorf("%q in %s (%s) from %d: fires at %v, want no more than %d firings", r.Expr, r.Zone,
			r.Tag, r.From, at, len(r.Next))
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func readAllRows(t testing.TB) []row {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no rows", err)
	}
	var rows []row
	for _, name := range files {
		rows = append(rows, readRows(t, name)...)
	}
	return rows
}
