package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
	"modernc.org/sqlite/vfs"

	"gusty/messages"
	"gusty/messages/table"
)

// heapBytes bounds SQLite's memory while a file is read: a row of options may have mostOptions, and
// is in memory three times.
const heapBytes = 192 << 20

// Sink takes what a file holds. An error ends the reading.
type Sink interface {
	// Row takes a row. notes are sentences about how it was read.
	Row(row table.TableRow, notes []string) error
	// Refused takes a row that is none; why is a sentence.
	Refused(table, name, why string) error
}

// Read returns every row of an agent's file in either form, table by table and in the order in
// which they were stored. The error of a file that is none is a sentence.
func Read(ctx context.Context, path string, how Encoding, sink Sink) (err error) {
	s, err := openSource(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.file.Close() }() // opened for reading: there is nothing to lose
	name, files, err := vfs.New(s)
	if err != nil {
		return fmt.Errorf("make a file system for SQLite: %w", err)
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	db, err := sql.Open("sqlite", "file:"+sourceName+"?vfs="+name+
		"&mode=ro&immutable=1&_defensive=1&_dqs=0")
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return (&reading{conn: conn, how: how, sink: sink}).all(ctx)
}

// reading is a file under way.
type reading struct {
	conn *sql.Conn
	how  Encoding
	sink Sink
}

func (r *reading) all(ctx context.Context) error {
	if err := r.confine(ctx); err != nil {
		return err
	}
	found, err := r.schema(ctx)
	if err != nil {
		return err
	}
	if err := checkIntegrity(ctx, r.conn); err != nil {
		return err
	}
	for _, t := range tables() {
		if !found[t.name] {
			continue
		}
		if err := r.table(ctx, t, found[messages.TableJobOptions]); err != nil {
			return err
		}
	}
	return nil
}

// confine takes from the connection what reading does not need, before it looks at the file.
func (r *reading) confine(ctx context.Context) error {
	for limit, value := range map[int]int{
		lib.SQLITE_LIMIT_LENGTH: mostOptions + 1<<20, lib.SQLITE_LIMIT_COLUMN: 64,
		lib.SQLITE_LIMIT_EXPR_DEPTH: 100,
		lib.SQLITE_LIMIT_ATTACHED:   0, lib.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
	} {
		if _, err := sqlite.Limit(r.conn, limit, value); err != nil {
			return fmt.Errorf("limit SQLite: %w", err)
		}
	}
	for _, pragma := range []string{
		"trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0",
		"cache_size=-8192", "temp_store=MEMORY",
		fmt.Sprintf("hard_heap_limit=%d", heapBytes),
	} {
		if _, err := r.conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return unreadable(err)
		}
	}
	return nil
}

// unreadable returns SQLite's own words, bounded: they may hold names from the file.
func unreadable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("SQLite cannot read it: %s", clip(err.Error()))
}

// schema checks what the file declares, and says which tables it has. Nothing of it was carried out
// yet.
func (r *reading) schema(ctx context.Context) (found map[string]bool, err error) {
	rows, err := r.conn.QueryContext(ctx,
		"SELECT type, name, coalesce(sql, '') FROM sqlite_schema LIMIT 64")
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = map[string]bool{}
	for rows.Next() {
		var kind, name, statement string
		if err := rows.Scan(&kind, &name, &statement); err != nil {
			return nil, unreadable(err)
		}
		t, known := tableOf(name)
		switch {
		case kind != "table":
			return nil,
				fmt.Errorf("it has the %s %q; an agent's file has tables alone", clip(kind),
					clip(name))
		case isStatistics(statement):
			continue
		case !known:
			return nil, fmt.Errorf("it has the table %q, which is none of an agent's", clip(name))
		case !t.declaredBy(statement):
			return nil,
				fmt.Errorf("its table %s does not have the columns of an agent's: %s", name,
					t.create())
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, unreadable(err)
	}
	if len(found) == 0 {
		return nil, errors.New("it has no table of an agent's")
	}
	return found, nil
}

// isStatistics reports whether a statement declares one of SQLite's own tables that ANALYZE and
// PRAGMA optimize leave behind, as tools do that only looked at a file. They are not read.
func isStatistics(statement string) bool {
	return statement == "CREATE TABLE sqlite_stat1(tbl,idx,stat)" ||
		statement == "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"
}

// declaredBy reports whether a statement declares the table's columns with their types, and nothing
// else: no constraint, no default, nothing computed.
func (t *relation) declaredBy(statement string) bool {
	_, list, ok := strings.Cut(statement, "(")
	list, end, closed := strings.Cut(list, ")")
	if !ok || !closed || strings.TrimSpace(end) != "" {
		return false
	}
	declared := strings.Split(list, ",")
	if len(declared) != len(t.columns) {
		return false
	}
	for i, text := range declared {
		words := strings.Fields(text)
		if len(words) != 2 || unquoted(words[0]) != t.columns[i].name ||
			!strings.EqualFold(words[1], string(t.columns[i].kind)) {
			return false
		}
	}
	return true
}

func unquoted(name string) string { return strings.Trim(name, "\"`") }

// table reads one table. In a file that has Gusty's options every script is base64, since Gusty
// wrote it.
func (r *reading) table(ctx context.Context, t relation, ours bool) (err error) {
	how := r.how
	if ours && how == EncodingAuto {
		how = EncodingBase64
	}
	rows, err := r.conn.QueryContext(ctx, t.query())
	if err != nil {
		return unreadable(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	record := newRecord(t)
	for rows.Next() {
		if err := rows.Scan(record.targets...); err != nil {
			return unreadable(err)
		}
		row, notes, why := record.row(how)
		if ours {
			notes = nil
		}
		if why != "" {
			err = r.sink.Refused(t.name, clip(record.name()), why)
		} else {
			err = r.sink.Row(row, notes)
		}
		if err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unreadable(err)
	}
	return nil
}

// query returns, of each column, its type, its size, and its value where it is not too large: only
// then SQLite loads it.
func (t *relation) query() string {
	var list []string
	for _, c := range t.columns {
		size := "CASE WHEN typeof(" + c.name + ") IN ('text','blob') THEN octet_length(" + c.name +
			") ELSE 0 END"
		list = append(list, "typeof("+c.name+")", size,
			fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", size, max(c.most, mostText), c.name))
	}
	return "SELECT " + strings.Join(list, ",") + " FROM " + t.name + " ORDER BY rowid"
}
