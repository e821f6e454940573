package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const jobsTable = "CREATE TABLE scheduled_jobs (script_name TEXT,content BLOB,cron_expression " +
	"TEXT,arguments TEXT,script_type INTEGER,opensearch_index TEXT,opensearch_enabled INTEGER)"

// sqlFile makes a file by statements.
func sqlFile(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hostile.sqlite")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return path
}

// patched returns a copy of a file with some bytes replaced.
func patched(t testing.TB, path string, at int, with ...byte) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[at:], with)
	path = filepath.Join(t.TempDir(), "patched.sqlite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func cut(t testing.TB, path string, size int64) string {
	t.Helper()
	path = patched(t, path, 0)
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHostileFilesAreRefusedWithASentence(t *testing.T) {
	users := "CREATE TABLE user_creds (user_name TEXT,password TEXT)"
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/bash\necho this is no database\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, []byte(magic), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxFileBytes+1); err != nil { // sparse
		t.Fatal(err)
	}
	journal := sqlFile(t, users)
	if err := os.WriteFile(journal+"-journal", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("CREATE TABLE t%d (a)", i))
	}
	plain := "testdata/plain.sqlite"
	for name, c := range map[string]struct{ path, want string }{
		"not SQLite":      {text, "it is no SQLite file"},
		"a directory":     {t.TempDir(), "not a regular file"},
		"too large":       {huge, "is over 1024 MiB"},
		"only a magic":    {cut(t, plain, 16), "cut short"},
		"cut short":       {cut(t, plain, 8192), "cut short"},
		"page size":       {patched(t, plain, 16, 0, 3), "header is damaged"},
		"WAL":             {patched(t, plain, 18, 2, 2), "WAL mode"},
		"UTF-16":          {patched(t, plain, 56, 0, 0, 0, 2), "not in UTF-8"},
		"many tables":     {sqlFile(t, many...), "more tables"},
		"a damaged page":  {patched(t, plain, 3*4096, 0xff, 0xff, 0xff, 0xff), ""},
		"unfinished":      {journal, "a transaction was not finished"},
		"empty":           {sqlFile(t, "PRAGMA user_version=1"), "no table of an agent's"},
		"a view":          {sqlFile(t, users, "CREATE VIEW scheduled_jobs AS SELECT 1"), `it has the view "scheduled_jobs"`},
		"a trigger":       {sqlFile(t, users, "CREATE TRIGGER x AFTER INSERT ON user_creds BEGIN DELETE FROM user_creds; END"), "it has the trigger"},
		"an index":        {sqlFile(t, users, "CREATE INDEX x ON user_creds (user_name)"), "it has the index"},
		"a foreign table": {sqlFile(t, users, "CREATE TABLE other (a)"), `it has the table "other"`},
		"a constraint":    {sqlFile(t, "CREATE TABLE user_creds (user_name TEXT,password TEXT CHECK (length(password) > 0))"), "does not have the columns"},
		"computed":        {sqlFile(t, "CREATE TABLE user_creds (user_name TEXT,password TEXT AS (zeroblob(1000000000)))"), "does not have the columns"},
		"another column":  {sqlFile(t, "CREATE TABLE user_creds (user_name TEXT,password TEXT,more TEXT)"), "does not have the columns"},
		"another type":    {sqlFile(t, "CREATE TABLE user_creds (user_name TEXT,password BLOB)"), "does not have the columns"},
		"without rowid":   {sqlFile(t, "CREATE TABLE user_creds (user_name TEXT PRIMARY KEY,password TEXT) WITHOUT ROWID"), ""},
		"virtual":         {sqlFile(t, "CREATE VIRTUAL TABLE user_creds USING fts5(user_name,password)"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got rows
			err := Read(t.Context(), c.path, EncodingAuto, &got)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 600 ||
				len(got.lines) > 0 {
				t.Errorf("the error is %v, want %q; %d rows were given", err, c.want,
					len(got.lines))
			}
		})
	}
}

func TestRowsOfWrongTypesAreRefusedOneByOne(t *testing.T) {
	path := sqlFile(t, jobsTable,
		"INSERT INTO scheduled_jobs VALUES ('good','ZGF0ZQo=','* * * * *','',1,'',0)",
		"INSERT INTO scheduled_jobs VALUES (x'00ff','','* * * * *','',1,'',0)",
		"INSERT INTO scheduled_jobs VALUES ('float','','* * * * *','',1.5,'',0)",
		"INSERT INTO scheduled_jobs VALUES ('word','','* * * * *','','one','',0)",
		"INSERT INTO scheduled_jobs VALUES ('number',7,'* * * * *','',1,'',0)",
		"INSERT INTO scheduled_jobs VALUES ('large',zeroblob(5000000),'* * * * *','',1,'',0)",
		"INSERT INTO scheduled_jobs VALUES (hex(zeroblob(50000)),'','* * * * *','',1,'',0)",
		"INSERT INTO scheduled_jobs VALUES (NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
		"CREATE TABLE gusty_user_options (user_name TEXT,options TEXT)",
		"INSERT INTO gusty_user_options VALUES ('a','{')",
		"INSERT INTO gusty_user_options VALUES ('a','{\"x\":1}')",
		"INSERT INTO gusty_user_options VALUES ('a','[]')",
	)
	got := read(t, path, EncodingAuto)
	if len(got.lines) != 2 || len(got.refused) != 9 {
		t.Errorf("%d rows %v, refused %d: %.400v", len(got.lines), got.lines, len(got.refused),
			got.refused)
	}
	for _, why := range got.refused {
		if len(why) > 400 {
			t.Errorf("a refusal has %d bytes", len(why))
		}
	}
}

// A blob of 1 GB is told by its size and never loaded.
func TestAHugeValueIsNotLoaded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a file of 900 MB")
	}
	path := sqlFile(t, "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", jobsTable,
		"INSERT INTO scheduled_jobs VALUES ('huge',zeroblob(900000000),'* * * * *','',1,'',0)")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := read(t, path, EncodingAuto)
	runtime.ReadMemStats(&after)
	if len(got.refused) != 1 || !strings.Contains(got.refused[0], "900000000 bytes") {
		t.Errorf("%v, refused %v", got.lines, got.refused)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("reading it took %d MB", grown>>20)
	}
}

// What a tool that was used to look at the file has left is no reason to refuse it.
func TestStatisticsAreNoHarm(t *testing.T) {
	path := sqlFile(t, jobsTable, "INSERT INTO scheduled_jobs VALUES ('a','echo','* * * * "+
		"*','',1,'',0)", "ANALYZE")
	if got := read(t, path, EncodingAuto); len(got.lines) != 1 || len(got.refused) != 0 {
		t.Errorf("%v, refused %v", got.lines, got.refused)
	}
}

// Where pages are small, the schema of an agent's file needs more than one.
func TestEveryPageSizeIsRead(t *testing.T) {
	for _, size := range []int{512, 1024, 2048, 4096, 65536} {
		statements := []string{fmt.Sprintf("PRAGMA page_size=%d", size)}
		for _, table := range tables() {
			statements = append(statements, table.create())
		}
		path := sqlFile(t, append(statements, "INSERT INTO scheduled_jobs VALUES ('a','echo','* "+
			"* * * *','',1,'',0)")...)
		for _, path := range []string{path, shiftedCopy(t, path)} {
			if got := read(t, path, EncodingAuto); len(got.lines) != 1 || len(got.refused) != 0 {
				t.Errorf("%d: %v, refused %v", size, got.lines, got.refused)
			}
		}
	}
}

func shiftedCopy(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shift(data, 256-shiftBy)
	return patched(t, path, 0, data...)
}

// A schema over many small pages is counted, whatever they say, before SQLite reads it.
func TestASchemaOverManyPagesIsBounded(t *testing.T) {
	statements := []string{"PRAGMA page_size=512", jobsTable}
	for i := range 40 {
		statements = append(statements, fmt.Sprintf("CREATE TABLE t%d (a)", i))
	}
	many := sqlFile(t, statements...)
	for name, path := range map[string]string{
		"many":              many,
		"a page of its own": patched(t, many, 108, 0, 0, 0, 1),
		"no page":           patched(t, many, 108, 0, 0, 0, 0),
		"a page too far":    patched(t, many, 108, 255, 255, 255, 255),
		"a cell too far":    patched(t, many, 112, 255, 255),
		"another kind":      patched(t, many, 100, 2),
	} {
		if err := Read(t.Context(), path, EncodingAuto, &rows{}); err == nil ||
			!strings.Contains(err.Error(), "tables than") &&
				!strings.Contains(err.Error(), "schema is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, "testdata/plain.sqlite", EncodingAuto, &rows{}); err == nil {
		t.Error("it was read")
	}
}

// FuzzRead: whatever a file holds, reading it ends soon with rows or a sentence, in both forms.
func FuzzRead(f *testing.F) {
	for _, path := range []string{"testdata/plain.sqlite", "testdata/encoded.sqlite"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint16(0), uint32(0))
		f.Add(data, uint16(100), uint32(1<<31))
		f.Add(data[:4096], uint16(2048), uint32(7))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, at uint16, word uint32) {
		if int(at)+4 <= len(data) {
			data = append([]byte(nil), data...)
			binary.LittleEndian.PutUint32(data[at:], word)
		}
		path := filepath.Join(dir, fmt.Sprint(os.Getpid()))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := Read(ctx, path, EncodingAuto, &rows{})
		if ctx.Err() != nil {
			t.Fatal("reading does not end")
		}
		if err != nil && (err.Error() == "" || len(err.Error()) > 1000) {
			t.Fatalf("the error has %d bytes", len(err.Error()))
		}
	})
}
