package contract

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// cronRow is one line of internal/cron/testdata: an expression with its first firings strictly
// after a time, or with none because it is wrong.
type cronRow struct {
	Expr  string
	Zone  string `json:"tz"`
	From  int64
	Next  []int64
	Error bool
	Tag   string // rows without one stop when they have shown a change of the clock
}

// A tagged row with fewer firings than this has no more.
const rowFirings = 10

// TestCronRows asks one agent for the preview of every row, by RFC 3339 and by Unix seconds in
// turn.
func TestCronRows(t *testing.T) {
	client := agent.StartT(t, t.TempDir()).ClientT(t)
	for i, row := range readCronRows(t) {
		from := strconv.FormatInt(row.From, 10)
		if i%2 == 0 {
			from = time.Unix(row.From, 0).UTC().Format(time.RFC3339)
		}
		answer, err := client.Do(t.Context(), http.MethodGet, row.path(from), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if row.Error {
			requireCronError(t, row, answer)
			continue
		}
		requireFirings(t, row, answer)
	}
}

// path is the question for as many firings as the row tells of, or for those that must not be.
func (r *cronRow) path(from string) string {
	count := rowFirings
	if r.Tag == "" && !r.Error {
		count = len(r.Next)
	}
	query := url.Values{
		"cron_expression": {r.Expr},
		"time_zone":       {r.Zone},
		"from":            {from},
		"count":           {strconv.Itoa(count)},
	}
	return "/agent/job/preview?" + query.Encode()
}

func requireFirings(t *testing.T, row cronRow, answer *agent.Answer) {
	t.Helper()
	if answer.Status != http.StatusOK {
		t.Errorf("%q answered %d: %s", row.Expr, answer.Status, answer.Body)
		return
	}
	got := decode[struct{ Next []time.Time }](t, answer.Body)
	if !slices.EqualFunc(got.Next, row.Next, func(at time.Time, unix int64) bool {
		return at.Equal(time.Unix(unix, 0))
	}) {
		t.Errorf("%q in %s (%s) from %d: %s, want %d", row.Expr, row.Zone, row.Tag, row.From,
			answer.Body, row.Next)
	}
}

// requireCronError expects the sentence to begin with the part at fault, or to show the forms where
// it is the whole.
func requireCronError(t *testing.T, row cronRow, answer *agent.Answer) {
	t.Helper()
	where := fmt.Sprintf("%q (%s)", row.Expr, row.Tag)
	if answer.Status != http.StatusBadRequest {
		t.Errorf("%s answered %d: %s", where, answer.Status, answer.Body)
		return
	}
	requireError(t, where, answer, "bad_query", "cron_expression")
	message := decode[struct{ Message string }](t, answer.Body).Message
	parts := []string{
		"seconds: ", "minutes: ", "hours: ", "day-of-month: ", "month: ",
		"day-of-week: ", "year: ", "@every: ",
	}
	names := slices.ContainsFunc(parts, func(part string) bool {
		return strings.HasPrefix(message, part)
	})
	if !names && !strings.Contains(message, `write "minute hour day-of-month month day-of-week"`) {
		t.Errorf("%s: the message names no part of it: %s", where, message)
	}
}

func readCronRows(t *testing.T) []cronRow {
	t.Helper()
	root, err := agent.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "internal", "cron", "testdata", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no rows", err)
	}
	var rows []cronRow
	for _, name := range files {
		rows = append(rows, readCronFile(t, name)...)
	}
	return rows
}

func readCronFile(t *testing.T, name string) (rows []cronRow) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		rows = append(rows, decode[cronRow](t, lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}
