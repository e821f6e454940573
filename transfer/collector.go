package transfer

import (
	"errors"
	"fmt"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

// Bounds of one import, whatever its source says of itself.
const (
	MaxRows  = 500_000
	MaxBytes = 256 << 20 // of names, texts and scripts together

	// MaxRemoteBytes is that of an import over REST, whose rows the agent holds in memory beside
	// everything else, remoteRowBytes for each on top of its texts.
	MaxRemoteBytes = 24 << 20
	remoteRowBytes = 768
)

// Rules are what an import goes by beside what is always so.
type Rules struct {
	// Remote says that the import comes over REST, which does not set the parameters of the host.
	Remote bool
	// May reports whether who imports may do what a row does: a row of user_creds needs what PUT
	// /agent/userpassword/update needs, and so on. nil: everything.
	May func(messages.Scope) bool
	// Now is when the import is made: an expression that has no firing after it never fires.
	Now time.Time
	// CheckLimits returns a sentence about what this host cannot hold of a job's options; nil: all
	// is well.
	CheckLimits func(*messages.JobOptions) error
}

// Collector takes the rows of an import one by one.
type Collector struct {
	rules Rules
	items []messages.ImportItem
	bytes int

	last   map[name]int // the item that counts, of those of one table and name
	hashes hashBudget
}

// name is what of several rows the last one counts for.
type name struct{ table, name string }

// NewCollector begins an import.
func NewCollector(rules Rules) *Collector {
	if rules.May == nil {
		rules.May = func(messages.Scope) bool { return true }
	}
	return &Collector{rules: rules, last: map[name]int{}}
}

// Refuse notes a row that could not be read; why is a sentence.
func (c *Collector) Refuse(place int, table, rowName, why string) error {
	return c.add(messages.ImportItem{
		Place:   place,
		Table:   table,
		Name:    rowName,
		Outcome: messages.ImportRefused,
		Notes:   []string{why},
	}, len(why))
}

// Add takes a row. notes are sentences of the source about it. An error means that the whole import
// is too large.
func (c *Collector) Add(place int, row table.TableRow, notes ...string) error {
	item := messages.ImportItem{Place: place, Table: row.Table(), Name: row.RowName(), Notes: notes}
	c.fill(&item, row)
	return c.add(item, sizeOf(row))
}

func (c *Collector) add(item messages.ImportItem, size int) error {
	c.bytes += 64 + size
	if c.rules.Remote {
		c.bytes += remoteRowBytes - 64
	}
	if c.rules.Remote && c.bytes > MaxRemoteBytes {
		return errors.New("these are too many rows for an import over REST; divide it, or stop " +
			"the agent and let gustyctl import it")
	}
	if len(c.items) >= MaxRows || c.bytes > MaxBytes {
		return fmt.Errorf("an import takes at most %d rows and %d MiB; divide it", MaxRows,
			MaxBytes>>20)
	}
	c.supersede(&item)
	c.items = append(c.items, item)
	return nil
}

// supersede lets the last row of a name count, in the tables whose rows have one. A row that is
// refused supersedes nothing.
func (c *Collector) supersede(item *messages.ImportItem) {
	switch item.Table {
	case messages.TableConfig, messages.TableJobs, messages.TableUsers, messages.TableJobOptions,
		messages.TableUserOptions:
	default:
		return
	}
	if item.Outcome == messages.ImportRefused {
		return
	}
	key := name{item.Table, item.Name}
	if before, ok := c.last[key]; ok {
		c.items[before] = messages.ImportItem{
			Place: c.items[before].Place, Table: item.Table, Name: item.Name,
			Outcome: messages.ImportSuperseded,
			Notes:   []string{fmt.Sprintf("line %d has the same name and counts", item.Place)},
		}
	}
	c.last[key] = len(c.items)
}

// fill checks a row and puts what it brings into the item.
func (c *Collector) fill(item *messages.ImportItem, row table.TableRow) {
	if scope := scopeOf(row); !c.rules.May(scope) {
		refuse(item,
			fmt.Sprintf("this row needs the scope %q, which the user does not have", string(scope)))
		return
	}
	switch r := row.(type) {
	case messages.VersionRow:
		fillVersion(item, r)
	case table.ConfigRow:
		c.fillParameter(item, r)
	case table.JobTableRow:
		c.fillJob(item, r)
	case table.JobOptionsRow:
		item.Job = &messages.ImportJob{
			Job:    messages.Job{Options: r.Options.Whole()},
			Paused: r.Options.Paused,
		}
	case table.UserTableRow:
		c.fillUser(item, r)
	case table.UserOptionsRow:
		item.User = &messages.User{Scopes: r.Options.Scopes, Disabled: r.Options.Disabled}
	case messages.AppRow:
		fillApp(item, r)
	default:
		item.Outcome = messages.ImportLeftOut
		item.Notes = append(item.Notes, "runs are not imported")
	}
}

// scopeOf returns the scope that a client needs for what the row does.
func scopeOf(row table.TableRow) messages.Scope {
	switch row.(type) {
	case table.ConfigRow:
		return messages.ScopeConfig
	case table.JobTableRow, table.JobOptionsRow:
		return messages.ScopeJobs
	case table.UserTableRow, table.UserOptionsRow:
		return messages.ScopeUsers
	default:
		return messages.ScopeStore
	}
}

func refuse(item *messages.ImportItem, why string) {
	*item = messages.ImportItem{
		Place:   item.Place,
		Table:   item.Table,
		Name:    item.Name,
		Outcome: messages.ImportRefused,
		Notes:   append(item.Notes, why),
	}
}

// sizeOf estimates what a row holds, in bytes.
func sizeOf(row table.TableRow) int {
	switch r := row.(type) {
	case table.JobTableRow:
		return len(r.Name) + len(r.Content) + len(r.CronExpression) + len(r.Arguments)
	case table.ConfigRow:
		return len(r.Name) + len(r.Global) + len(r.Local)
	case table.UserTableRow:
		return len(r.Name) + len(r.Password)
	case messages.AppRow:
		return len(r.User) + len(r.Password) + len(r.Endpoint) + len(r.Purpose)
	case table.JobOptionsRow:
		return len(r.Name) + 512 + environmentBytes(r.Options.Environment)
	default:
		return len(row.RowName())
	}
}

func environmentBytes(environment *map[string]messages.Secret) (n int) {
	if environment == nil {
		return 0
	}
	for key, value := range *environment {
		n += len(key) + len(value)
	}
	return n
}

// Items returns the rows, checked and put together: options with their jobs and users.
func (c *Collector) Items() []messages.ImportItem {
	for i := range c.items {
		switch item := &c.items[i]; {
		case item.Outcome != "":
		case item.Table == messages.TableJobOptions:
			c.joinJob(item)
		case item.Table == messages.TableUserOptions:
			c.joinUser(item)
		}
	}
	for i := range c.items {
		if c.items[i].Outcome == "" {
			c.finish(&c.items[i])
		}
	}
	return c.items
}

// partner returns the item of the table that a row of options completes; nil where there is none
// that comes in.
func (c *Collector) partner(table string, options *messages.ImportItem) *messages.ImportItem {
	at, ok := c.last[name{table, options.Name}]
	if !ok {
		refuse(options, "there is no row of this name in "+table+" that it could complete")
		return nil
	}
	return &c.items[at]
}

func (c *Collector) joinJob(options *messages.ImportItem) {
	if item := c.partner(messages.TableJobs, options); item != nil {
		item.Job.Job.Options, item.Job.Patch, item.Job.Paused =
			options.Job.Job.Options, nil, options.Job.Paused
		options.Job, options.Outcome = nil, messages.ImportMerged
	}
}

func (c *Collector) joinUser(options *messages.ImportItem) {
	if item := c.partner(messages.TableUsers, options); item != nil {
		item.User.Scopes, item.User.Disabled = options.User.Scopes, options.User.Disabled
		options.User, options.Outcome = nil, messages.ImportMerged
	}
}

func (c *Collector) finish(item *messages.ImportItem) {
	switch {
	case item.Job != nil:
		c.finishJob(item)
	case item.User != nil:
		c.finishUser(item)
	}
}
