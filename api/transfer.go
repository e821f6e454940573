package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"gusty/internal/footprint"
	"gusty/messages"
	"gusty/messages/table"
	"gusty/transfer"
)

// importExtra is what an import may take on top of the usual time: one transaction of some hundred
// thousand rows.
const importExtra = 2 * time.Minute

// rowsPerShed is after how many rows the executable's pages are given back: those that the rows
// need are back at once, and those of the handshake and the login are not.
const rowsPerShed = 8192

// importSettled is how long after an import its body and its answer are surely in nobody's hands.
const importSettled = 2 * time.Second

// exportLine is one line of an export, for the document.
type exportLine struct {
	Table string         `json:"table"`
	Row   map[string]any `json:"row"`
}

func exportParameters() []Parameter {
	return []Parameter{
		flagParameter("runs", "Whether runs and what they printed are in it"),
		flagParameter("secrets", "Whether hashes, passwords and values of environments are in it "+
			"as they are"),
	}
}

func importParameters() []Parameter {
	return []Parameter{
		flagParameter("dry_run", "Say what would become of each row, and change nothing"),
		flagParameter("partial", "Import the other rows where some are refused"),
	}
}

func flagParameter(name, doc string) Parameter {
	return Parameter{Name: name, Kind: BooleanParameter, Default: "false", Doc: doc}
}

// enterTransfer takes the one place for exports and imports: each keeps a copy of the rows, on disk
// or in memory. leave gives it back.
func (s *Server) enterTransfer() (leave func(), err error) {
	select {
	case s.transfers <- struct{}{}:
	default:
		return nil, messages.Busy("the agent's export and import")
	}
	restore := footprint.Frugal()
	return func() {
		restore()
		<-s.transfers
	}, nil
}

func getExport(r *request) error {
	query := table.ExportQuery{Runs: r.queryBool("runs"), Secrets: r.queryBool("secrets")}
	export, err := ask[table.Export](r, table.GetExport{Query: query})
	if err != nil {
		return err
	}
	server := r.server // the request belongs to others by the time that the rows are written
	return r.streamWithin(server.limits.StallTimeout, mediaNDJSON, func(w io.Writer) error {
		leave, err := server.enterTransfer()
		if err != nil {
			return err
		}
		defer leave()
		var line []byte
		rows := 0
		return export.Each(func(row table.TableRow) (err error) {
			if rows++; rows%rowsPerShed == 0 {
				footprint.Shed()
			}
			if line, err = table.AppendLine(line[:0], row); err == nil {
				_, err = w.Write(line)
			}
			return err
		})
	})
}

// importAnswer says what became of an import.
type importAnswer struct {
	execAnswer
	Applied bool                   `json:"applied"` // whether anything was changed
	DryRun  bool                   `json:"dry_run"`
	Counts  map[string]int         `json:"counts"` // rows by outcome
	Rows    []messages.ImportedRow `json:"rows"`
}

// importRefusal is the answer to an import that refused rows keep out: an error, with what became
// of each row.
type importRefusal struct {
	errorBody
	Rows []messages.ImportedRow `json:"rows"`
}

func postImport(r *request) error {
	leave, err := r.server.enterTransfer()
	if err != nil {
		return err
	}
	defer leave()
	defer func() { time.AfterFunc(importSettled, footprint.Trim) }()
	items, err := r.importItems()
	if err != nil {
		return err
	}
	dry, partial := r.queryBool("dry_run"), r.queryBool("partial")
	done, err := askLong[messages.Imported](r, messages.Import{
		Items:   items,
		DryRun:  dry,
		Partial: partial,
		Origin:  r.origin(),
	}, importExtra)
	if err != nil {
		return err
	}
	return r.imported(&done.Result, dry, partial)
}

// importItems reads the body line by line. A line that is no row is refused like a row that cannot
// come in.
func (r *request) importItems() ([]messages.ImportItem, error) {
	rows := transfer.NewCollector(transfer.Rules{
		Remote:      true,
		May:         r.user.Has,
		Now:         time.Now(),
		CheckLimits: r.server.options.CheckLimits,
	})
	place := 0
	for line := range bytes.SplitSeq(r.http.PostBody(), []byte{'\n'}) {
		place++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		row, err := table.ParseLine(line)
		if err != nil {
			fault := table.LineFault(err)
			err = rows.Refuse(place, fault.Table, fault.Name, fault.Why)
		} else {
			err = rows.Add(place, row)
		}
		if err != nil {
			return nil, messages.Errorf(messages.CodeTooLarge, "%s", err)
		}
	}
	items := rows.Items()
	if len(items) == 0 {
		return nil, messages.Errorf(messages.CodeNotJSON, `the body holds no row; each is a line {"table":…,"row":{…}}`)
	}
	return items, nil
}

func (r *request) imported(result *messages.ImportResult, dry, partial bool) error {
	for i := range result.Rows {
		result.Rows[i].Notes = notNil(result.Rows[i].Notes)
	}
	refused := result.Refused()
	if refused > 0 && !dry && !partial {
		return r.json(http.StatusUnprocessableEntity,
			importRefusal{Rows: result.Rows, errorBody: errorBody{
				Code: messages.CodeInvalid,
				Message: fmt.Sprintf("%d of %d rows are refused, so that "+
					"nothing was changed; ?partial=true imports the others",
					refused, len(result.Rows)),
			}})
	}
	answer := importAnswer{
		Applied: result.Applied,
		DryRun:  dry,
		Counts:  map[string]int{},
		Rows:    result.Rows,
	}
	for outcome, n := range result.Count() {
		answer.Counts[string(outcome)] = n
	}
	answer.execAnswer = done(importMessage(len(result.Rows), refused, dry, partial))
	return r.ok(answer)
}

func importMessage(rows, refused int, dry, partial bool) string {
	switch {
	case dry && refused > 0 && !partial:
		return fmt.Sprintf("Nothing would be changed: %d of %d rows are refused", refused, rows)
	case dry:
		return fmt.Sprintf("%d rows would be imported", rows-refused)
	case refused > 0:
		return fmt.Sprintf("%d of %d rows imported", rows-refused, rows)
	}
	return fmt.Sprintf("%d rows imported", rows)
}

func transferRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/export", Added: true, Scope: messages.ScopeStore,
			handle: getExport, streams: true,
			Query: exportParameters(), Summary: "Every row of the tables, a line each",
			Answers: []Answer{{
				Status: http.StatusOK,
				Media:  mediaNDJSON,
				Body:   exportLine{},
				Doc:    "One object a line",
			}},
		},
		{
			Method: post, Path: "/agent/import", Added: true, Scope: messages.ScopeStore,
			handle: postImport, imports: true,
			Query: importParameters(), Summary: "Rows as an export has them, in one transaction",
			Body: exportLine{}, BodyMedia: importMedia(),
			Answers: answers(importAnswer{}),
		},
	}
}

// importMedia lists what the body may call itself; there is no registered name for lines of JSON.
func importMedia() []string {
	return []string{mediaNDJSON, "application/ndjson", "application/jsonl", mediaJSON}
}
