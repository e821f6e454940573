package persistence

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"gusty/messages"
)

// residentOf returns how much of the mappings of a file is resident, in KiB.
func residentOf(t *testing.T, path string) (kib int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = f.Close() }()
	ours := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) > 0 && strings.Contains(fields[0], "-"):
			ours = strings.HasSuffix(lines.Text(), path)
		case ours && fields[0] == "Rss:":
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			kib += n
		}
	}
	return kib
}

func TestMemoryOfTheMapIsGivenBack(t *testing.T) {
	s := openStore(t, t.TempDir())
	var rows []messages.Row
	for n := range 2000 {
		rows = append(rows, messages.JobRow{Job: testJob(fmt.Sprint("job ", n))})
	}
	commit(t, s, rows...)
	for n := range 2000 {
		if _, err := s.Job(fmt.Sprint("job ", n)); err != nil {
			t.Fatal(err)
		}
	}
	path := s.db.Path()
	before := residentOf(t, path)
	if err := s.ReleaseMemory(); err != nil {
		t.Fatal(err)
	}
	if after := residentOf(t, path); before < 500 || after > before/4 {
		t.Errorf("%d KiB were resident, then %d", before, after)
	}
	if _, err := s.LoadJobs(func(messages.JobHead) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if after := residentOf(t, path); after > 256 {
		t.Errorf("a scan left %d KiB resident", after)
	}
}
