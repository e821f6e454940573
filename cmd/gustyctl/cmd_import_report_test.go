package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/sqlite"
)

// places takes the rows of a file.
type places struct{ of []int }

func (p *places) add(place int, _ table.TableRow, _ []byte, _ []string) error {
	p.of = append(p.of, place)
	return nil
}

func (p *places) refuse(place int, _, _, _ string) error { return p.add(place, nil, nil, nil) }

func sqliteFile(t *testing.T, rows ...table.TableRow) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.sqlite")
	w, err := sqlite.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Add(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return path
}

// A row of a SQLite file is told by its number in its table, which one who looks into the file can
// count.
func TestRowsOfSQLiteHaveTheirNumbersInTheirTables(t *testing.T) {
	path := sqliteFile(t, messages.VersionRow{Version: "1"}, messages.VersionRow{Version: "2"},
		table.ConfigRow{Name: "labels"},
		table.ConfigRow{Name: "labels"}, table.UserTableRow{Name: "ops"})
	var taken places
	numbers, err := readImport(t.Context(), path, sqlite.EncodingAuto, &taken)
	if err != nil || !slices.Equal(taken.of, []int{1, 2, 3, 4, 5}) ||
		!slices.Equal(numbers, []int{1, 2, 1, 2, 1}) {
		t.Fatalf("places %v, numbers %v, %v", taken.of, numbers, err)
	}
	report := importReport{Rows: []messages.ImportedRow{
		{Place: 3, Outcome: messages.ImportSuperseded, Notes: []string{"line 4 has the same name and counts"}}, {Place: 4}, {Place: 5},
	}}
	report.number(numbers)
	if r := report.Rows; r[0].Place != 1 || r[1].Place != 2 || r[2].Place != 1 ||
		strings.Contains(r[0].Notes[0], "line") {
		t.Errorf("%+v", r)
	}
}

func TestAnImportOfNothingSaysSo(t *testing.T) {
	var taken places
	numbers, err := readImport(t.Context(), sqliteFile(t), sqlite.EncodingAuto, &taken)
	if err != nil || len(taken.of) > 0 {
		t.Fatalf("places %v, %v", taken.of, err)
	}
	for _, flags := range []importFlags{{}, {dryRun: true}, {partial: true}} {
		var out strings.Builder
		a := &app{out: &out}
		if err := a.reportImport(&importReport{DryRun: flags.dryRun}, numbers,
			&flags); err != nil || !strings.Contains(out.String(), "nothing to import") {
			t.Errorf("%+v: it says %q, %v", flags, out.String(), err)
		}
	}
}
