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

	"gusty/internal/atomicfile"
	"gusty/messages"
	"gusty/persistence/sqlite"
)

// exportFlags are the flags of export.
type exportFlags struct {
	store *storeFlags
	rusty bool
	query messages.ExportQuery
}

func (a *app) exportCommand() *cobra.Command {
	flags := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write jobs, parameters and users to a SQLite file",
		Long: `Write jobs, parameters and users to a SQLite file, of a running agent, or on its host of one that is stopped. A FILE that ends in
.ndjson gets lines of JSON instead, and - is standard output for those. Hashes, passwords and values of environments leave only with
--with-secrets. What import takes back is all of it but runs.`,
		Example: "  gustyctl export host.sqlite\n  gustyctl export --for-rusty-agent --with-secrets db.sqlite",
		Args:    oneArg,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.export(cmd.Context(), args[0], flags) },
	}
	flags.store = a.storeFlags(cmd)
	cmd.Flags().BoolVar(&flags.rusty, "for-rusty-agent", false, "write the file that the Rust agent works with; what it cannot do is left out, and told")
	cmd.Flags().BoolVar(&flags.query.Runs, "with-runs", false, "add runs and what they printed")
	cmd.Flags().BoolVar(&flags.query.Secrets, "with-secrets", false, "write hashes, passwords and values of environments as they are")
	return cmd
}

func (a *app) export(ctx context.Context, path string, flags *exportFlags) error {
	lines := path == "-" || strings.EqualFold(filepath.Ext(path), ".ndjson")
	if flags.rusty && (lines || flags.query.Runs) {
		return usagef("--for-rusty-agent writes the Rust agent's SQLite file, which has no lines of JSON and no runs")
	}
	rows, err := a.exportSource(ctx, flags)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	stop := a.spin("exporting")
	if lines {
		err = a.exportToLines(path, rows, counts)
	} else {
		err = a.exportToSQLite(ctx, path, flags, rows, counts)
	}
	stop()
	if err != nil || path == "-" {
		return err
	}
	return a.reportExport(path, counts)
}

// exported is one row of an export: as a running agent sent it, or as the store of a stopped one gave it.
type exported struct {
	line []byte
	row  messages.TableRow
}

// rowSource gives rows one by one.
type rowSource func(each func(exported) error) error

// exportSource gives the rows of the agent that is meant, or of its store.
func (a *app) exportSource(ctx context.Context, flags *exportFlags) (rowSource, error) {
	dir, err := a.stoppedDir(flags.store)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		c, err := a.connect(ctx)
		return func(each func(exported) error) error {
			return c.exportLines(ctx, flags.query, func(line []byte) error { return each(exported{line: line}) })
		}, err
	}
	return func(each func(exported) error) error {
		store, err := openStore(a.storeOptions(ctx, dir, flags.store.keyFile))
		if err != nil {
			return err
		}
		err = store.Export(flags.query, func(row messages.TableRow) error { return each(exported{row: row}) })
		if closing := store.Close(); err == nil && closing != nil {
			err = failedf("cannot close the store: %w", closing)
		}
		return err
	}, nil
}

func (a *app) exportToSQLite(ctx context.Context, path string, flags *exportFlags, rows rowSource, counts map[string]int) error {
	var notes []string
	w, err := func() (*sqlite.Writer, error) {
		if flags.rusty {
			return sqlite.CreateRusty(ctx, path, a.now(), func(name, sentence string) { notes = append(notes, name+" "+sentence) })
		}
		return sqlite.Create(ctx, path, flags.query.Runs)
	}()
	if err != nil {
		return failedf("%w", err)
	}
	err = rows(func(e exported) (err error) {
		if e.row != nil {
			counts[e.row.Table()]++
			return w.Add(ctx, e.row)
		}
		table, err := w.AddLine(ctx, e.line)
		counts[table]++
		return err
	})
	if err != nil {
		return errors.Join(asFailure(err), w.Discard())
	}
	if err := w.Finish(ctx); err != nil {
		return failedf("%w", err)
	}
	for table, n := range w.LeftOut() {
		counts[table] -= n
	}
	for _, note := range notes {
		a.note("%s", note)
	}
	return nil
}

// asFailure leaves an error that knows its exit code as it is.
func asFailure(err error) error {
	if _, ok := errors.AsType[*exitError](err); ok {
		return err
	}
	return failedf("the export failed: %w", err)
}

// exportToLines writes lines of JSON to standard output as they come, or to a file when all are there.
func (a *app) exportToLines(path string, rows rowSource, counts map[string]int) error {
	if path == "-" {
		return writeLines(a.out, rows, counts)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return failedf("cannot begin the file: %w", err)
	}
	err = errors.Join(writeLines(f, rows, counts), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(asFailure(err), os.Remove(f.Name()))
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

func writeLines(to io.Writer, rows rowSource, counts map[string]int) error {
	out := bufio.NewWriterSize(to, 64<<10)
	var line []byte
	err := rows(func(e exported) (err error) {
		row := e.row
		if row == nil {
			row, err = messages.ParseLine(e.line)
		}
		if err != nil {
			return err
		}
		counts[row.Table()]++
		if line, err = messages.AppendLine(line[:0], row); err == nil {
			_, err = out.Write(line)
		}
		return err
	})
	return errors.Join(err, out.Flush())
}

// reportExport says how many rows of which table there are.
func (a *app) reportExport(path string, counts map[string]int) error {
	if a.json {
		body, err := json.Marshal(map[string]any{"file": path, "rows": counts})
		if err != nil {
			return err
		}
		return a.printJSON(body)
	}
	what := []string{}
	for _, t := range []struct{ table, words string }{
		{messages.TableJobs, "jobs"}, {messages.TableConfig, "parameters"}, {messages.TableUsers, "users"}, {messages.TableRuns, "runs"},
	} {
		if n, there := counts[t.table]; there {
			what = append(what, strconv.Itoa(n)+" "+t.words)
		}
	}
	return a.printLine(path + ": " + strings.Join(what, ", "))
}
