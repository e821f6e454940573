package persistence

import (
	"gusty/messages"
	"gusty/messages/table"
	"gusty/persistence/internal/format"
)

// Export returns every row of the tables, all of one moment, table by table; the rows of a table
// come in no order that means anything, but those of agent_version and node_app_details in the
// order in which they were stored. Options of jobs come behind all jobs. What a run printed is read
// when its turn comes: of a run that was trimmed meanwhile there is none.
//
// The rows are copied first, so that each may take its time; memory is bounded by the largest row.
// each may call the store. A row of a job comes as a pointer and is valid during the call only:
// there are many of them, and each would leave some kilobytes behind.
func (s *Store) Export(query table.ExportQuery, each func(table.TableRow) error) error {
	snap, err := s.takeSnapshot(func(r *reader, w *snapshotWriter) error {
		return copyTables(r, w, query.Runs)
	})
	if err != nil {
		return err
	}
	err = newExporter(s, snap, query, each).tables()
	if closing := snap.close(); err == nil {
		err = closing
	}
	return err
}

// copyTables copies the buckets in the order in which they are given out. A job's state lies behind
// the job.
func copyTables(r *reader, w *snapshotWriter, runs bool) error {
	for _, b := range []format.BucketID{
		format.BucketVersion, format.BucketParameters,
		format.BucketUsers, format.BucketApps,
	} {
		if err := w.addAll(r, b, nil); err != nil {
			return err
		}
	}
	err := w.addAll(r, format.BucketJobs, func(key []byte) error {
		if state := r.bucket(format.BucketJobStates).Get(key); state != nil {
			return w.Add(format.BucketJobStates, key, state)
		}
		return nil
	})
	if err != nil || !runs {
		return err
	}
	return w.addAll(r, format.BucketRuns, nil)
}

// exporter turns copied rows into those of an export.
type exporter struct {
	store *Store
	snap  *snapshot
	query table.ExportQuery
	each  func(table.TableRow) error

	given   map[string]bool // parameters that have rows; nil: the others were given behind them
	content []byte          // of the last job
	table   table.JobTableRow
	job     messages.Job // the last one, whose state may follow
	options table.JobOptionsRow
	paused  bool
	pending bool // the options are not given yet
}

func newExporter(s *Store, snap *snapshot, query table.ExportQuery,
	each func(table.TableRow) error,
) *exporter {
	e := &exporter{store: s, snap: snap, query: query, each: each, given: map[string]bool{}}
	// The row of options points into the job that is decoded anew for each.
	e.options.Options = table.StoredJobOptions{
		JobOptionsPatch: e.job.Options.Patch(),
		Paused:          &e.paused,
	}
	return e
}

// tables goes over the copy twice: jobs and their options are two tables.
func (e *exporter) tables() error {
	err := e.eachRecord(e.row)
	if err == nil {
		err = e.giveUnstored() // where there is not one user
	}
	if err == nil {
		err = e.eachRecord(e.jobOptions)
	}
	if err != nil {
		return err
	}
	return e.giveOptions()
}

func (e *exporter) eachRecord(pass func(b format.BucketID, key, record []byte) error) error {
	return e.snap.each(func(b format.BucketID, key, sealed []byte) error {
		record, err := e.snap.reader.record(b, key, sealed)
		if err != nil {
			return err
		}
		return pass(b, key, record)
	})
}

// giveUnstored returns, behind the parameters that have rows, those that came with a later version
// than the one that seeded the file.
func (e *exporter) giveUnstored() error {
	if e.given == nil {
		return nil
	}
	given := e.given
	e.given = nil
	for _, p := range messages.Parameters() {
		if !given[p.Name] {
			row := table.ConfigRow{
				Name:      p.Name,
				Global:    p.Default,
				CanModify: table.Flag(p.CanModify),
			}
			if err := e.each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// row returns what is a row of a table by itself.
func (e *exporter) row(b format.BucketID, key, record []byte) error {
	if b != format.BucketVersion && b != format.BucketParameters {
		if err := e.giveUnstored(); err != nil {
			return err
		}
	}
	switch b {
	case format.BucketVersion:
		return e.give(b, decodeVersion, record)
	case format.BucketParameters:
		return e.give(b, e.parameter, record)
	case format.BucketUsers:
		return e.user(record)
	case format.BucketApps:
		return e.give(b, e.app, record)
	case format.BucketJobs:
		return e.jobTable(record)
	case format.BucketRuns:
		return e.run(key, record)
	default:
		return nil
	}
}

func (e *exporter) give(b format.BucketID, decode func([]byte) (table.TableRow, error),
	record []byte,
) error {
	row, err := decode(record)
	if err != nil {
		return format.DamagedRow(b)
	}
	return e.each(row)
}

// masked returns a secret as it leaves: as it is only where that was asked for.
func (e *exporter) masked(secret messages.Secret) messages.Secret {
	if e.query.Secrets || secret == "" {
		return secret
	}
	return messages.Mask
}

func (e *exporter) parameter(record []byte) (table.TableRow, error) {
	p, err := decodeParameter(record)
	e.given[p.Name] = true
	if known, ok := messages.FindParameter(p.Name); ok && known.Kind == messages.KindSecret {
		p.Global, p.Local = e.masked(messages.Secret(p.Global)).Reveal(), e.masked(
			messages.Secret(p.Local)).Reveal()
	}
	return table.ConfigRow{
		Name:      p.Name,
		Global:    p.Global,
		Local:     p.Local,
		CanModify: table.Flag(p.CanModify),
	}, err
}

// user returns a user, and what user_creds cannot tell of one who is not as the Rust agent's users
// are.
func (e *exporter) user(record []byte) error {
	u, err := decodeUser(record)
	if err != nil {
		return format.DamagedRow(format.BucketUsers)
	}
	if err := e.each(table.UserTableRow{Name: u.Name, Password: e.masked(u.Hash)}); err != nil {
		return err
	}
	if u.HasAll() && !u.Disabled {
		return nil
	}
	scopes := u.Scopes
	if scopes == nil {
		scopes = []messages.Scope{}
	}
	return e.each(table.UserOptionsRow{
		Name:    u.Name,
		Options: table.StoredUserOptions{Scopes: scopes, Disabled: u.Disabled},
	})
}

func (e *exporter) app(record []byte) (table.TableRow, error) {
	row, err := decodeApp(record)
	row.Password = e.masked(row.Password)
	return row, err
}

// jobTable returns a job without its options.
func (e *exporter) jobTable(record []byte) error {
	e.job.Content = e.content[:0]
	err := decodeJobFields(record, &e.job, func(number uint64) bool { return number < jobEnabled })
	if err != nil {
		return format.DamagedRow(format.BucketJobs)
	}
	j := &e.job
	e.content = j.Content
	e.table = table.JobTableRow{
		Name: j.Name, Content: j.Content, CronExpression: j.CronExpression, Arguments: j.Arguments,
		Type:            int64(j.Type),
		OpenSearchIndex: j.OpenSearchIndex, OpenSearchEnabled: table.Flag(j.OpenSearchEnabled),
	}
	return e.each(&e.table)
}

// jobOptions returns the options of each job, once its state is known.
func (e *exporter) jobOptions(b format.BucketID, _, record []byte) error {
	switch b {
	case format.BucketJobs:
		if err := e.giveOptions(); err != nil {
			return err
		}
		err := decodeJobFields(record, &e.job, func(number uint64) bool {
			return number == jobName || number >= jobEnabled
		})
		if err != nil {
			return format.DamagedRow(format.BucketJobs)
		}
		e.pending, e.paused = true, false
	case format.BucketJobStates:
		state, err := decodeJobState(record)
		if err != nil || !e.pending {
			return format.DamagedRow(format.BucketJobStates)
		}
		e.paused = state.Paused
	default:
	}
	return nil
}

func (e *exporter) giveOptions() error {
	if !e.pending {
		return nil
	}
	e.pending, e.options.Name = false, e.job.Name
	for name, value := range e.job.Options.Environment {
		e.job.Options.Environment[name] = e.masked(value)
	}
	return e.each(&e.options)
}
