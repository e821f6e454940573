package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/outfile"
	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/sqlite"
)

// exportFlags are the flags of export.
type exportFlags struct {
	store *storeFlags
	rusty bool
	query table.ExportQuery
}

func (a *app) exportCommand() *cobra.Command {
	flags := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write jobs, parameters and users to a SQLite file",
		Long: `Write jobs, parameters and users to a SQLite file, of a running agent, or on its host of one that is stopped. A FILE that ends in
.ndjson gets lines of JSON instead, and so does -, which is standard output. Hashes, passwords and
values of environments leave only with --with-secrets; a file that has them is closed to others.
What import takes back is all of it but runs.

` + toStandardOutput,
		Example: "  gustyctl export host.sqlite\n  gustyctl export --for-rusty-agent " +
			"--with-secrets db.sqlite",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.export(cmd.Context(), args[0], flags)
		},
	}
	flags.store = a.storeFlags(cmd)
	cmd.Flags().BoolVar(&flags.rusty, "for-rusty-agent", false,
		"write the file that the Rust agent works with; what it cannot do is left out, and told")
	cmd.Flags().BoolVar(&flags.query.Runs, "with-runs", false, "add runs and what they printed")
	cmd.Flags().BoolVar(&flags.query.Secrets, "with-secrets", false,
		"write hashes, passwords and values of environments as they are")
	return cmd
}

func (a *app) export(ctx context.Context, path string, flags *exportFlags) error {
	lines := path == outfile.StandardOutput && !flags.rusty ||
		strings.EqualFold(filepath.Ext(path), ".ndjson")
	if flags.rusty && (lines || flags.query.Runs) {
		return exit.Usagef(
			"--for-rusty-agent writes the Rust agent's SQLite file, which has no lines " +
				"of JSON and no runs")
	}
	rows, err := a.exportSource(ctx, flags)
	if err != nil {
		return err
	}
	o := outfile.Options{Secret: flags.query.Secrets}
	t, err := a.openTarget(ctx, path, o, flags.store.keyFile)
	if err != nil {
		return err
	}
	e := &exporting{app: a, flags: flags, rows: rows, counts: map[string]int{}}
	stop := a.spin("exporting")
	if lines {
		err = asFailure(writeLines(t, rows, e.counts))
	} else {
		err = e.toSQLite(ctx, t)
	}
	stop()
	if err := finishTarget(t, err); err != nil || path == outfile.StandardOutput {
		return err
	}
	return a.reportExport(t, e.counts)
}

// exported is one row of an export: as a running agent sent it, or as the store of a stopped one
// gave it.
type exported struct {
	line []byte
	row  table.TableRow
}

// rowSource calls back with rows one by one.
type rowSource func(each func(exported) error) error

// exportSource returns the rows of the agent that is meant, or of its store.
func (a *app) exportSource(ctx context.Context, flags *exportFlags) (rowSource, error) {
	dir, err := a.stoppedDir(flags.store)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		c, err := a.connect(ctx)
		return func(each func(exported) error) error {
			return c.exportLines(ctx, flags.query, func(line []byte) error {
				return each(exported{line: line})
			})
		}, err
	}
	return func(each func(exported) error) error {
		store, err := openStore(a.storeOptions(ctx, dir, flags.store.keyFile))
		if err != nil {
			return err
		}
		err = store.Export(flags.query, func(row table.TableRow) error {
			return each(exported{row: row})
		})
		if closing := store.Close(); err == nil && closing != nil {
			err = exit.Failedf("cannot close the store: %w", closing)
		}
		return err
	}, nil
}

// exporting is one export.
type exporting struct {
	app    *app
	flags  *exportFlags
	rows   rowSource
	counts map[string]int // by table
}

// toSQLite writes a SQLite file in the place of the target's temporary one, or where the target is
// a stream, one elsewhere, which is copied to it.
func (x *exporting) toSQLite(ctx context.Context, t *outfile.Target) error {
	if t.IsStream() {
		return x.throughFile(ctx, t)
	}
	path, err := t.Temporary()
	if err != nil {
		return explainWrite(err)
	}
	err = x.writeSQLite(ctx, path)
	if errors.Is(err, sqlite.ErrDiskFull) {
		return exit.Failedf("cannot write to %s: %w", t.Name(), sqlite.ErrDiskFull)
	}
	return err
}

func (x *exporting) throughFile(ctx context.Context, t *outfile.Target) (err error) {
	dir, err := os.MkdirTemp("", "gustyctl-export-")
	if err != nil {
		return exit.Failedf("cannot make a place for the file: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// the copy may wait for a reader for ever
	context.AfterFunc(ctx, func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "export.sqlite")
	err = x.writeSQLite(ctx, path)
	if errors.Is(err, sqlite.ErrDiskFull) {
		return exit.Failedf("%w of %s, where the file is made first; make room, or set TMPDIR",
			sqlite.ErrDiskFull, os.TempDir())
	}
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return exit.Failedf("cannot read the file: %w", err)
	}
	_, err = io.Copy(struct{ io.Writer }{t}, f)
	return errors.Join(explainWrite(err), f.Close())
}

func (x *exporting) writeSQLite(ctx context.Context, path string) error {
	var notes []string
	w, err := func() (*sqlite.Writer, error) {
		if x.flags.rusty {
			note := func(name, sentence string) { notes = append(notes, name+" "+sentence) }
			return sqlite.CreateRusty(ctx, path, x.app.now(), note)
		}
		return sqlite.Create(ctx, path, x.flags.query.Runs)
	}()
	if err != nil {
		return asFailure(err)
	}
	err = x.rows(func(e exported) (err error) {
		if e.row != nil {
			x.counts[e.row.Table()]++
			return w.Add(ctx, e.row)
		}
		table, err := w.AddLine(ctx, e.line)
		x.counts[table]++
		return err
	})
	if err != nil {
		return asFailure(errors.Join(err, w.Discard()))
	}
	if err := w.Finish(ctx); err != nil {
		return asFailure(err)
	}
	for table, n := range w.LeftOut() {
		x.counts[table] -= n
	}
	for _, note := range notes {
		x.app.note("%s", note)
	}
	return nil
}

// asFailure leaves an error that knows its exit code as it is.
func asFailure(err error) error {
	_, coded := errors.AsType[*exit.Error](err)
	_, writing := errors.AsType[*outfile.WriteError](err)
	if err == nil || coded {
		return err
	}
	if writing || errors.Is(err, context.Canceled) {
		return explainWrite(err)
	}
	return exit.Failedf("the export failed: %w", err)
}

func writeLines(to io.Writer, rows rowSource, counts map[string]int) error {
	out := bufio.NewWriterSize(to, 64<<10)
	var line []byte
	err := rows(func(e exported) (err error) {
		row := e.row
		if row == nil {
			row, err = table.ParseLine(e.line)
		}
		if err != nil {
			return err
		}
		counts[row.Table()]++
		if line, err = table.AppendLine(line[:0], row); err == nil {
			_, err = out.Write(line)
		}
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// reportExport says how many rows of which table there are, beside standard output where they
// went there themselves.
func (a *app) reportExport(t *outfile.Target, counts map[string]int) error {
	to := *a
	if t.ToStandardOutput() {
		to.out = a.errOut
	}
	if a.json {
		body, err := json.Marshal(map[string]any{"file": t.Name(), "rows": counts})
		if err != nil {
			return err
		}
		return to.printJSON(body)
	}
	what := []string{}
	for _, t := range []struct{ table, words string }{
		{messages.TableJobs, "jobs"},
		{messages.TableConfig, "parameters"},
		{messages.TableUsers, "users"},
		{messages.TableRuns, "runs"},
	} {
		if n, there := counts[t.table]; there {
			what = append(what, strconv.Itoa(n)+" "+t.words)
		}
	}
	return to.printLine(t.Name() + ": " + strings.Join(what, ", "))
}
