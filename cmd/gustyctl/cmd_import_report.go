package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// importReport is what became of an import, as --json prints it.
type importReport struct {
	Applied bool                           `json:"applied"`
	DryRun  bool                           `json:"dry_run"`
	Counts  map[messages.ImportOutcome]int `json:"counts"`
	Rows    []messages.ImportedRow         `json:"rows"`
}

// addNotes adds what was noted when the file was read, and puts the rows in the order of the file.
func (r *importReport) addNotes(notes map[int][]string) {
	for i := range r.Rows {
		if more := notes[r.Rows[i].Place]; more != nil &&
			r.Rows[i].Outcome != messages.ImportSuperseded {
			r.Rows[i].Notes = append(slices.Clone(more), r.Rows[i].Notes...)
		}
	}
	slices.SortStableFunc(r.Rows, func(a, b messages.ImportedRow) int { return a.Place - b.Place })
}

// number numbers the rows of a SQLite file as they are numbered in their tables, instead of their
// places over all tables.
func (r *importReport) number(numbers []int) {
	for i := range r.Rows {
		row := &r.Rows[i]
		row.Place = numbers[row.Place-1]
		if row.Outcome == messages.ImportSuperseded {
			// which was told by its place
			row.Notes = []string{"a later row of the table has the same name and counts"}
		}
	}
}

// reportImport prints what became of each row, and fails where nothing came in because some were
// refused. numbers are those that readImport gave.
func (a *app) reportImport(report *importReport, numbers []int, flags *importFlags) error {
	place := "line"
	if numbers != nil {
		place = "row"
		report.number(numbers)
	}
	result := messages.ImportResult{Rows: report.Rows}
	report.Counts = result.Count()
	for i := range report.Rows {
		if report.Rows[i].Notes == nil {
			report.Rows[i].Notes = []string{}
		}
	}
	if err := a.printImport(report, place, flags.partial); err != nil {
		return err
	}
	if refused := result.Refused(); refused > 0 && !flags.partial {
		return &exit.Error{Code: exit.Refused, Text: fmt.Sprintf(
			"%d of %d rows are refused, so that nothing was changed; --partial takes over the "+
				"others", refused, len(report.Rows))}
	}
	return nil
}

// printImport prints the rows in a table; place is what the place of a row is called.
func (a *app) printImport(report *importReport, place string, partial bool) error {
	if a.json {
		body, err := json.Marshal(report)
		if err != nil {
			return exit.Failedf("cannot print: %w", err)
		}
		return a.printJSON(body)
	}
	lines := make([][]string, len(report.Rows))
	for i := range report.Rows {
		row := &report.Rows[i]
		name := row.Name
		if row.Outcome == messages.ImportRefused || name == "" {
			name = strings.TrimSpace(name + " (" + place + " " + strconv.Itoa(row.Place) + ")")
		}
		lines[i] = []string{string(row.Outcome), row.Table, name, strings.Join(row.Notes, "; ")}
	}
	if err := a.printTable([]string{"OUTCOME", "TABLE", "NAME", "NOTE"}, lines); err != nil {
		return err
	}
	return a.printLine(report.summary(partial))
}

// summary counts the rows by outcome.
func (r *importReport) summary(partial bool) string {
	var parts []string
	for _, outcome := range []messages.ImportOutcome{
		messages.ImportCreated, messages.ImportUpdated, messages.ImportUnchanged,
		messages.ImportKept, messages.ImportSuperseded,
		messages.ImportLeftOut, messages.ImportRefused,
	} {
		if n := r.Counts[outcome]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+strings.ReplaceAll(string(outcome), "_", " "))
		}
	}
	if len(parts) == 0 {
		return "nothing to import: the file holds no rows"
	}
	text := strings.Join(parts, ", ")
	if r.DryRun || r.Counts[messages.ImportRefused] > 0 && !partial {
		return text + "; nothing was changed"
	}
	return text
}
