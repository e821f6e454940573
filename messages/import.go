package messages

import (
	"maps"
	"slices"
)

// Requests to take rows in.
type (
	// Import puts rows into the store, in one transaction, and makes them true in the actors.
	// Reply: Imported. Items that were refused keep all others out unless Partial; DryRun changes
	// nothing and says what would be.
	Import struct {
		Items   []ImportItem
		DryRun  bool
		Partial bool
		Origin  Origin
	}
	// Imported says what became of an import, row by row.
	Imported struct{ Result ImportResult }
)

// String keeps %v from printing scripts and hashes.
func (m Import) String() string { return "Import" }

// ImportItem is one row of an import that was checked by itself. Of Job, Parameter, User, Version
// and App one is set; none where Outcome is.
type ImportItem struct {
	Place   int // of the row in its source, from 1 on
	Table   string
	Name    string
	Notes   []string // sentences: what was not taken as it stood
	Outcome ImportOutcome

	Job       *ImportJob
	Parameter *StoredParameter
	HostOnly  bool // the parameter may only be confirmed: it is set on the host
	User      *User
	Version   *VersionRow
	App       *AppRow
}

// ImportJob is a job with what is to become of its options and its pause.
type ImportJob struct {
	Job Job
	// nil: Job.Options count; else those stored, or the defaults, with Patch applied
	Patch  *JobOptionsPatch
	Paused *bool // nil: as it is
}

// ImportOutcome is what became of a row.
type ImportOutcome string

// The outcomes.
const (
	ImportCreated    ImportOutcome = "created"
	ImportUpdated    ImportOutcome = "updated"
	ImportUnchanged  ImportOutcome = "unchanged"
	ImportKept       ImportOutcome = "kept"       // what is stored counts, not the row
	ImportSuperseded ImportOutcome = "superseded" // a later row of the same name counts
	ImportMerged     ImportOutcome = "merged"     // it completes another row
	ImportLeftOut    ImportOutcome = "left_out"   // rows of this table are not imported
	ImportRefused    ImportOutcome = "refused"
)

// ImportedRow is what became of one row.
type ImportedRow struct {
	Place   int           `json:"line"`
	Table   string        `json:"table"`
	Name    string        `json:"name"`
	Outcome ImportOutcome `json:"outcome"`
	Notes   []string      `json:"notes"`
}

// ImportResult is what became of an import.
type ImportResult struct {
	Applied bool // false: nothing was changed
	Rows    []ImportedRow

	// What was changed, as it is stored: for those who hold it in memory.
	Jobs       []JobHead
	Parameters []StoredParameter
	Users      []User
}

// Refused counts the rows that were refused.
func (r *ImportResult) Refused() int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].Outcome == ImportRefused {
			n++
		}
	}
	return n
}

// Count returns how many rows had each outcome.
func (r *ImportResult) Count() map[ImportOutcome]int {
	counts := map[ImportOutcome]int{}
	for i := range r.Rows {
		counts[r.Rows[i].Outcome]++
	}
	return counts
}

// WithRows returns a snapshot in which rows stand as they are given, global values included.
func (c *Config) WithRows(version uint64, rows []StoredParameter) *Config {
	next := &Config{Version: version, rows: maps.Clone(c.rows)}
	for _, row := range rows {
		next.rows[row.Name] = row
	}
	return next
}

// With returns a snapshot in which users stand as they are given.
func (a *Access) With(users []User) *Access {
	next := &Access{Version: a.Version + 1, Users: maps.Clone(a.Users)}
	for _, user := range users {
		user.Scopes = slices.Clone(user.Scopes)
		next.Users[user.Name] = &user
	}
	return next
}
