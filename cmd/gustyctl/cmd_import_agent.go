package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/sqlite"
)

// maxImportBytes is what an agent takes at once.
const maxImportBytes = 16 << 20

// lineSink writes rows as the lines that an agent takes. A row that is refused here leaves its line
// blank, so that the agent counts as we do.
type lineSink struct {
	body    []byte
	lines   int
	notes   map[int][]string
	refused []messages.ImportedRow
}

func (s *lineSink) add(place int, row table.TableRow, line []byte, notes []string) (err error) {
	s.skipTo(place)
	if len(notes) > 0 {
		s.notes[place] = notes
	}
	if line != nil {
		s.body = append(append(s.body, line...), '\n')
	} else if s.body, err = table.AppendLine(s.body, row); err != nil {
		return err
	}
	s.lines++
	return s.checkSize()
}

func (s *lineSink) refuse(place int, table, name, why string) error {
	s.refused = append(s.refused, messages.ImportedRow{
		Place: place, Table: table, Name: name, Outcome: messages.ImportRefused,
		Notes: []string{why},
	})
	return s.checkSize()
}

func (s *lineSink) skipTo(place int) {
	for ; s.lines < place-1; s.lines++ {
		s.body = append(s.body, '\n')
	}
}

func (s *lineSink) checkSize() error {
	if len(s.body) > maxImportBytes || len(s.refused) > maxImportBytes/256 {
		return exit.Usagef("a running agent takes at most %d MiB at once; stop it, and import the "+
			"file then: --offline", maxImportBytes>>20)
	}
	return nil
}

// importOnline sends the rows to the agent. Where one is refused here already, the agent is asked
// what would become of the others.
func (a *app) importOnline(ctx context.Context, path string, how sqlite.Encoding,
	flags *importFlags,
) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	lines := &lineSink{notes: map[int][]string{}}
	numbers, err := readImport(ctx, path, how, lines)
	if err != nil {
		return err
	}
	report := &importReport{DryRun: flags.dryRun, Rows: lines.refused}
	if len(lines.body) > 0 {
		dry := flags.dryRun || len(lines.refused) > 0 && !flags.partial
		stop := a.spin("importing")
		told, err := c.importLines(ctx, lines.body, dry, flags.partial)
		stop()
		if err != nil {
			return err
		}
		report.Applied = told.Applied
		report.Rows = append(report.Rows, told.Rows...)
	}
	report.addNotes(lines.notes)
	return a.reportImport(report, numbers, flags)
}

// importLines sends the lines. An import that is refused for its rows answers with them, too.
func (c *client) importLines(ctx context.Context, lines []byte, dry, partial bool) (*importReport,
	error,
) {
	response, err := c.send(ctx, request{
		method: http.MethodPost, path: "/agent/import",
		query: query("dry_run", flagText(dry), "partial", flagText(partial)), lines: lines,
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return nil, explain(err, c.target)
	}
	var report importReport
	if json.Unmarshal(body, &report) == nil && len(report.Rows) > 0 {
		return &report, nil
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(response, body, c.target)
	}
	return nil, exit.Failedf("the answer is not what an agent sends; is this address an agent's?")
}
