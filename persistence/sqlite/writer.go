package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gusty/internal/atomicfile"
	"gusty/internal/private"
	"gusty/messages"
	"gusty/messages/table"
)

// batchRows is how many rows one statement inserts.
const batchRows = 32

// Writer makes a file of rows. It belongs to one goroutine.
type Writer struct {
	path      string
	temporary string
	db        *sql.DB
	conn      *sql.Conn
	open      map[string]*batch

	rusty *rusty // nil: the file is Gusty's
}

// batch holds the rows of one table that are not written yet.
type batch struct {
	table relation
	full  *sql.Stmt
	args  []any
	rows  int
}

// Create begins a file beside path; Finish gives it its name, Discard removes it. withRuns makes
// the tables of runs.
func Create(ctx context.Context, path string, withRuns bool) (*Writer, error) {
	w, err := begin(ctx, path)
	if err != nil {
		return nil, err
	}
	names := []string{
		messages.TableVersion, messages.TableConfig, messages.TableJobs, messages.TableUsers,
		messages.TableApps, messages.TableJobOptions,
	}
	if withRuns {
		names = append(names, messages.TableRuns, messages.TableRunOutput)
	}
	return w.makeTables(ctx, names)
}

func (w *Writer) makeTables(ctx context.Context, names []string) (*Writer, error) {
	for _, name := range names {
		if _, err := w.batch(ctx, name); err != nil {
			return nil, errors.Join(err, w.Discard())
		}
	}
	return w, nil
}

// begin opens a new database under a temporary name. It is no one's until it is finished, so that
// it needs no journal.
func begin(ctx context.Context, path string) (*Writer, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file; name another", path)
	}
	dir, base := filepath.Split(path)
	f, err := private.CreateTemp(filepath.Clean(dir+"."), "."+base+".*.tmp")
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", path, err)
	}
	w := &Writer{path: path, temporary: f.Name(), open: map[string]*batch{}}
	if err := f.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("begin %s: %w", path, err), os.Remove(w.temporary))
	}
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("begin %s: %w", path, withFullDisk(err)), w.Discard())
	}
	return w, nil
}

func (w *Writer) connect(ctx context.Context) (err error) {
	address := url.URL{Scheme: "file", Opaque: url.PathEscape(filepath.ToSlash(w.temporary))}
	if w.db, err = sql.Open("sqlite", address.String()); err != nil {
		return err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range []string{
		"PRAGMA page_size=4096", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF",
		"PRAGMA locking_mode=EXCLUSIVE",
		"PRAGMA cache_size=-8192", "BEGIN",
	} {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// batch returns the batch of a table, which is made at first.
func (w *Writer) batch(ctx context.Context, name string) (*batch, error) {
	if b, ok := w.open[name]; ok {
		return b, nil
	}
	t, ok := tableOf(name)
	if !ok {
		return nil, fmt.Errorf("%q is no table of an agent's file", name)
	}
	if _, err := w.conn.ExecContext(ctx, t.create()); err != nil {
		return nil, fmt.Errorf("make the table %s: %w", name, withFullDisk(err))
	}
	full, err := w.conn.PrepareContext(ctx, t.insert(batchRows))
	if err != nil {
		return nil, fmt.Errorf("prepare for the table %s: %w", name, err)
	}
	b := &batch{table: t, full: full, args: make([]any, 0, batchRows*len(t.columns))}
	w.open[name] = b
	return b, nil
}

// Add writes a row.
func (w *Writer) Add(ctx context.Context, row table.TableRow) error {
	if w.rusty != nil {
		return w.addRusty(ctx, row)
	}
	b, err := w.batch(ctx, row.Table())
	if err != nil {
		return err
	}
	args, err := appendValues(b.args, row)
	if err != nil {
		return err
	}
	return b.add(ctx, args)
}

// add takes the arguments with those of a new row behind the others.
func (b *batch) add(ctx context.Context, args []any) error {
	b.args = args
	if b.rows++; b.rows < batchRows {
		return nil
	}
	_, err := b.full.ExecContext(ctx, b.args...)
	return b.emptied(err)
}

func (b *batch) emptied(err error) error {
	clear(b.args)
	b.args, b.rows = b.args[:0], 0
	if err != nil {
		return fmt.Errorf("write rows of %s: %w", b.table.name, withFullDisk(err))
	}
	return nil
}

// ErrDiskFull says that the disk has no room for the file.
var ErrDiskFull = errors.New("no space left on the disk")

// withFullDisk turns SQLite's error of a full disk into ErrDiskFull.
func withFullDisk(err error) error {
	failed, ok := errors.AsType[*sqlite.Error](err)
	if ok && failed.Code()&0xff == sqlite3.SQLITE_FULL {
		return ErrDiskFull
	}
	return err
}

func (w *Writer) flush(ctx context.Context, b *batch) error {
	if b.rows == 0 {
		return nil
	}
	_, err := w.conn.ExecContext(ctx, b.table.insert(b.rows), b.args...)
	return b.emptied(err)
}

// Finish writes what is left, has SQLite check the file, and gives it its name; what had that name
// is replaced. After an error the file is gone and the old one is as it was.
func (w *Writer) Finish(ctx context.Context) error {
	if err := errors.Join(w.complete(ctx), w.disconnect()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", w.path, withFullDisk(err)), w.Discard())
	}
	if err := w.place(); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", w.path, err), w.Discard())
	}
	return atomicfile.SyncDir(filepath.Dir(w.path))
}

func (w *Writer) complete(ctx context.Context) error {
	if w.rusty != nil {
		if err := w.completeRusty(ctx); err != nil {
			return err
		}
	}
	for _, t := range tables() {
		if b := w.open[t.name]; b != nil {
			if err := w.flush(ctx, b); err != nil {
				return err
			}
		}
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return checkIntegrity(ctx, w.conn)
}

// checkIntegrity has SQLite look through the whole file.
func checkIntegrity(ctx context.Context, conn *sql.Conn) error {
	var verdict string
	if err := conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the file: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the file is damaged: %s", clip(verdict))
	}
	return nil
}

// place makes the file durable and renames it.
func (w *Writer) place() error {
	f, err := os.OpenFile(w.temporary, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if w.rusty != nil {
		err = shiftFile(f)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(w.temporary, w.path)
}

func (w *Writer) disconnect() error {
	var all []error
	for _, b := range w.open {
		all = append(all, b.full.Close())
	}
	w.open = nil
	if w.conn != nil {
		all = append(all, w.conn.Close())
	}
	if w.db != nil {
		all = append(all, w.db.Close())
	}
	w.conn, w.db = nil, nil
	return errors.Join(all...)
}

// Discard removes what was written.
func (w *Writer) Discard() error {
	err := w.disconnect()
	if removing := os.Remove(w.temporary); removing != nil && !errors.Is(removing, fs.ErrNotExist) {
		err = errors.Join(err, removing)
	}
	return err
}

// clip bounds what is shown of a text from a file.
func clip(text string) string {
	const most = 160
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
