package persistence

import (
	"bytes"
	"reflect"
	"slices"
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// importer decides what becomes of each row of an import, by what is stored, and writes it. Without
// a writer it only decides.
type importer struct {
	*reader
	w      *writer // nil: nothing is written
	at     time.Time
	out    *outcome
	result messages.ImportResult

	// stored rows that no row of the import has been matched with
	versions map[messages.VersionRow]int
	apps     map[messages.AppRow]int
}

// PlanImport says what ImportRows would do now, and does nothing.
func (s *Store) PlanImport(items []messages.ImportItem) (messages.ImportResult, error) {
	var result messages.ImportResult
	_, err := s.view(func(r *reader) (err error) {
		result, err = (&importer{reader: r}).run(items)
		return err
	})
	return result, err
}

// checkImport refuses an import of which a row was refused, unless the others are wanted all the
// same.
func checkImport(row *messages.ImportRows) error {
	refused := 0
	for i := range row.Items {
		if row.Items[i].Outcome == messages.ImportRefused {
			refused++
		}
	}
	if refused > 0 && !row.Partial {
		return messages.Errorf(messages.CodeInvalid, "%d of %d rows are refused, so that nothing "+
			"was changed; the others alone are imported as a partial import",
			refused, len(row.Items))
	}
	return nil
}

// importRows writes the rows of an import.
func (w *writer) importRows(row *messages.ImportRows, out *outcome) error {
	result, err := (&importer{reader: &w.reader, w: w, at: row.At, out: out}).run(row.Items)
	result.Applied = err == nil
	out.imported = &result
	return err
}

func (m *importer) run(items []messages.ImportItem) (messages.ImportResult, error) {
	m.result.Rows = make([]messages.ImportedRow, len(items))
	for _, i := range m.order(items) {
		item := &items[i]
		report := &m.result.Rows[i]
		*report = messages.ImportedRow{
			Place:   item.Place,
			Table:   item.Table,
			Name:    item.Name,
			Outcome: item.Outcome,
			Notes:   item.Notes,
		}
		if item.Outcome != "" {
			continue
		}
		if err := m.item(item, report); err != nil {
			return messages.ImportResult{}, err
		}
	}
	return m.result, nil
}

// order returns the places of the items so that jobs come in the order of their keys: a transaction
// puts keys that rise at the end of a page, and moves half of all that it has put before for one
// that falls between. All others come as they stand.
func (m *importer) order(items []messages.ImportItem) []int {
	keys := make([]format.NameKey, len(items)) // zero sorts before all
	places := make([]int, len(items))
	for i := range items {
		places[i] = i
		if job := items[i].Job; job != nil {
			keys[i] = m.Hide(keyring.NameOfJob, job.Job.Name)
		}
	}
	slices.SortStableFunc(places, func(a, b int) int {
		return bytes.Compare(keys[a][:], keys[b][:])
	})
	return places
}

func (m *importer) item(item *messages.ImportItem, report *messages.ImportedRow) (err error) {
	switch {
	case item.Job != nil:
		report.Outcome, err = m.job(item.Job)
	case item.Parameter != nil:
		report.Outcome, err = m.parameter(*item.Parameter, item.HostOnly)
		if report.Outcome == messages.ImportKept {
			report.Notes = []string{"this parameter is set on the host only: gustyctl import " +
				"--offline, with the agent stopped, takes it over"}
		}
	case item.User != nil:
		report.Outcome, err = m.user(item.User, report)
	case item.Version != nil:
		report.Outcome, err = m.version(item.Version)
	case item.App != nil:
		report.Outcome, err = m.app(item.App)
	}
	return err
}

// job puts a job as a client's PUT does. A job that is the stored one already is left alone.
func (m *importer) job(j *messages.ImportJob) (messages.ImportOutcome, error) {
	stored, err := m.reader.job(j.Job.Name)
	if err != nil {
		return "", err
	}
	key := m.Hide(keyring.NameOfJob, j.Job.Name)
	state, err := m.jobState(key)
	if err != nil {
		return "", err
	}
	row := messages.JobRow{Job: j.Job, Patch: j.Patch, AnchorAt: m.at}
	merged := j.Job
	merged.Options = optionsOf(&row, stored)
	samePause := j.Paused == nil || *j.Paused == state.Paused
	if stored != nil && samePause && sameJob(&merged, stored) {
		return messages.ImportUnchanged, nil
	}
	if m.w != nil {
		if err := m.putJob(row, key, stored, j.Paused); err != nil {
			return "", err
		}
	}
	return createdOrUpdated(stored != nil), nil
}

func (m *importer) putJob(row messages.JobRow, key format.NameKey, stored *messages.Job,
	paused *bool,
) error {
	if err := m.w.putJob(row, m.out); err != nil {
		return err
	}
	state, err := m.jobState(key)
	if err != nil {
		return err
	}
	before := state
	if paused != nil {
		state.Paused = *paused
	}
	wokenUp := before.Paused && !state.Paused || stored != nil && !stored.Options.Enabled &&
		m.out.job.Options.Enabled
	if wokenUp && m.at.After(state.PlannedThrough) {
		state.PlannedThrough = m.at // what fell due while the job stood still was not missed
	}
	if state != before {
		if err := m.w.putJobState(key, state); err != nil {
			return err
		}
	}
	head := m.out.job.Head()
	head.State = state
	m.result.Jobs = append(m.result.Jobs, head)
	return nil
}

// sameJob compares what is stored of two jobs.
func sameJob(a, b *messages.Job) bool {
	x, y := *a, *b
	for _, j := range []*messages.Job{&x, &y} {
		if len(j.Content) == 0 {
			j.Content = nil
		}
		if len(j.Options.Environment) == 0 {
			j.Options.Environment = nil
		}
	}
	return reflect.DeepEqual(x, y)
}

func createdOrUpdated(existed bool) messages.ImportOutcome {
	if existed {
		return messages.ImportUpdated
	}
	return messages.ImportCreated
}

// parameter puts a whole row; a secret that is masked keeps what is stored, and one that only the
// host sets stays as it is.
func (m *importer) parameter(p messages.StoredParameter, hostOnly bool) (messages.ImportOutcome,
	error,
) {
	key := m.Hide(keyring.NameOfParameter, p.Name)
	record, err := m.get(format.BucketParameters, key[:])
	if err != nil {
		return "", err
	}
	stored := unstoredParameter(p.Name)
	if record != nil {
		if stored, err = decodeParameter(record); err != nil {
			return "", format.DamagedRow(format.BucketParameters)
		}
	}
	keepMasked(&p, &stored)
	if _, known := messages.FindParameter(p.Name); p == stored && (record != nil || known) {
		return messages.ImportUnchanged, nil
	}
	if hostOnly {
		return messages.ImportKept, nil
	}
	if m.w == nil {
		return createdOrUpdated(record != nil), nil
	}
	m.result.Parameters = append(m.result.Parameters, p)
	m.out.parameters = true
	return createdOrUpdated(record != nil), m.w.storeParameter(&p)
}

func keepMasked(p, stored *messages.StoredParameter) {
	if known, ok := messages.FindParameter(p.Name); !ok || known.Kind != messages.KindSecret {
		return
	}
	if p.Global == messages.Mask {
		p.Global = stored.Global
	}
	if p.Local == messages.Mask {
		p.Local = stored.Local
	}
}

// user adds a user; one who is there already is never touched.
func (m *importer) user(u *messages.User, report *messages.ImportedRow) (messages.ImportOutcome,
	error,
) {
	key := m.Hide(keyring.NameOfUser, u.Name)
	if m.has(format.BucketUsers, key[:]) {
		report.Notes = []string{"a user of this name is here already and stays as it is"}
		return messages.ImportKept, nil
	}
	if m.w == nil {
		return messages.ImportCreated, nil
	}
	m.result.Users = append(m.result.Users, *u)
	return messages.ImportCreated, m.w.putUser(&messages.UserRow{User: *u})
}
