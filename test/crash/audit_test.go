//go:build linux

package crash

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gusty/test/agent"
)

// line is what a script wrote of itself.
type line struct{ job, due, run string }

func (c *campaign) lines(t *testing.T) (all []line) {
	t.Helper()
	file, err := os.Open(c.witness)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var l line
		if _, err := fmt.Sscan(scanner.Text(), &l.job, &l.due, &l.run); err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		all = append(all, l)
	}
	return all
}

// audit compares what is recorded with what scripts wrote.
type audit struct {
	runs  []agent.Run
	lines []line
}

func (a *audit) states() map[string]int {
	states := map[string]int{}
	for _, run := range a.runs {
		states[run.State+" "+run.Trigger]++
	}
	return states
}

func (a *audit) violations() (found []string) {
	found = append(a.twice(), a.unwitnessed()...)
	for job, outcomes := range a.outcomes() {
		found = append(found, uneven(job, outcomes)...)
	}
	return found
}

// twice finds due times whose script ran more than once.
func (a *audit) twice() (found []string) {
	seen := map[string]line{}
	for _, l := range a.lines {
		key := l.job + " due " + l.due
		if other, ok := seen[key]; ok {
			found = append(found,
				fmt.Sprintf("%s ran twice: as run %s %s and as run %s %s", key, other.run,
					a.told(other.run), l.run, a.told(l.run)))
		}
		seen[key] = l
	}
	return found
}

func (a *audit) told(id string) string {
	for _, run := range a.runs {
		if run.ID == id {
			return fmt.Sprintf("(%s by %s: %q)", run.State, run.Trigger, run.Reason)
		}
	}
	return "(of which nothing is recorded)"
}

// unwitnessed finds runs that are said to have run and did not, or the other way round.
func (a *audit) unwitnessed() (found []string) {
	ran := map[string]bool{}
	for _, l := range a.lines {
		ran[l.run] = true
	}
	for _, run := range a.runs {
		switch {
		case run.State == "succeeded" && !ran[run.ID]:
			found = append(found, fmt.Sprintf("run %s of %s is recorded as succeeded and did not "+
				"run", run.ID, run.Job))
		case (run.State == "missed" || run.State == "skipped") && ran[run.ID]:
			found = append(found,
				fmt.Sprintf("run %s of %s is recorded as %s and ran", run.ID, run.Job, run.State))
		}
		delete(ran, run.ID)
	}
	for id := range ran {
		found = append(found, fmt.Sprintf("run %s ran, and nothing is recorded of it", id))
	}
	return found
}

// counted is how one record stands for many missed firings.
var counted = regexp.MustCompile(`^(\d+) firings, the first at`)

// outcomes returns how many records each due time of each job has.
func (a *audit) outcomes() map[string]map[time.Time]int {
	jobs := map[string]map[time.Time]int{}
	for _, run := range a.runs {
		if run.Trigger != "schedule" || run.DueAt == nil {
			continue
		}
		if jobs[run.Job] == nil {
			jobs[run.Job] = map[time.Time]int{}
		}
		for i := range firings(run) {
			jobs[run.Job][run.DueAt.Add(time.Duration(i)*interval(run.Job))]++
		}
	}
	return jobs
}

func firings(run agent.Run) int {
	if m := counted.FindStringSubmatch(run.Reason); m != nil && run.State == "missed" {
		n, _ := strconv.Atoi(m[1]) // it consists of digits
		return n
	}
	return 1
}

// interval is the time between two firings of a job, see campaign.store.
func interval(job string) time.Duration {
	if number, _ := strconv.Atoi(strings.TrimPrefix(job, "job")); number%4 == 2 {
		return 2 * time.Second
	}
	return time.Second
}

// uneven finds due times of a job that have no record, or more than one, from the first to the
// last.
func uneven(job string, outcomes map[time.Time]int) (found []string) {
	var first, last time.Time
	for due := range outcomes {
		if first.IsZero() || due.Before(first) {
			first = due
		}
		if due.After(last) {
			last = due
		}
	}
	for due := first; !due.After(last); due = due.Add(interval(job)) {
		if n := outcomes[due]; n != 1 {
			found = append(found,
				fmt.Sprintf("%s due %s has %d outcomes", job, due.Format(time.RFC3339Nano), n))
		}
		delete(outcomes, due)
	}
	for due := range outcomes {
		found = append(found,
			fmt.Sprintf("%s has an outcome for %s, when it was not due", job, due))
	}
	return found
}
