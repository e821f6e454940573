package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// checkExpect returns the error of an expectation that does not hold.
func checkExpect(expect messages.Expect, present bool, what, name string) error {
	switch {
	case expect == messages.ExpectAbsent && present:
		return messages.Errorf(messages.CodeExists, "%s %q exists already", what, name)
	case expect == messages.ExpectPresent && !present:
		return messages.Errorf(messages.CodeNotFound, "there is no %s %q", what, name)
	}
	return nil
}

func (r *reader) checkJob(name string, expect messages.Expect) error {
	key := r.Hide(keyring.NameOfJob, name)
	return checkExpect(expect, r.has(format.BucketJobs, key[:]), "job", name)
}

// job returns a stored job, nil where there is none.
func (r *reader) job(name string) (*messages.Job, error) {
	return r.jobFields(name, func(uint64) bool { return true })
}

// jobFields returns those fields of a stored job that are wanted, nil where there is none.
func (r *reader) jobFields(name string, wanted func(number uint64) bool) (*messages.Job, error) {
	key := r.Hide(keyring.NameOfJob, name)
	record, err := r.get(format.BucketJobs, key[:])
	if record == nil || err != nil {
		return nil, err
	}
	var j messages.Job
	if err := decodeJobFields(record, &j, wanted); err != nil {
		return nil, format.DamagedRow(format.BucketJobs)
	}
	return &j, nil
}

// putJob stores a job with the options that the row asks for, and resets its state where the
// expression is new.
func (w *writer) putJob(row messages.JobRow, out *outcome) error {
	stored, err := w.jobFields(row.Job.Name, func(number uint64) bool {
		return number != jobContent
	})
	if err != nil {
		return err
	}
	job := row.Job
	job.Options = optionsOf(&row, stored)
	key := w.Hide(keyring.NameOfJob, job.Name)
	e := w.fresh()
	encodeJob(e, &job)
	if err := w.Put(format.BucketJobs, key[:], e.Buf); err != nil {
		return err
	}
	if err := w.setKeepRuns(key, job.Options.KeepRuns); err != nil {
		return err
	}
	out.job, out.key = &job, key
	if stored != nil && stored.CronExpression == job.CronExpression {
		return nil
	}
	return w.resetJobState(key, row)
}

// optionsOf returns the stored options or the defaults with the patch applied, or the row's own; a
// masked value of the environment keeps the stored one in both cases.
func optionsOf(row *messages.JobRow, stored *messages.Job) messages.JobOptions {
	base := messages.DefaultJobOptions()
	if stored != nil {
		base = stored.Options
	}
	if row.Patch != nil {
		return row.Patch.Apply(base)
	}
	environment := row.Job.Options.Environment
	if environment == nil {
		return row.Job.Options
	}
	base = row.Job.Options
	if stored != nil {
		base.Environment = stored.Options.Environment
	} else {
		base.Environment = nil
	}
	return (&messages.JobOptionsPatch{Environment: &environment}).Apply(base)
}

// resetJobState begins the planning of an expression at its anchor, so that nothing before it
// counts as missed. A pause stays.
func (w *writer) resetJobState(key format.NameKey, row messages.JobRow) error {
	old, err := w.jobState(key)
	if err != nil {
		return err
	}
	return w.putJobState(key, messages.JobState{
		PlannedThrough: row.AnchorAt,
		Anchor:         row.AnchorAt,
		Paused:         old.Paused,
	})
}

func (w *writer) deleteJob(name string) error {
	key := w.Hide(keyring.NameOfJob, name)
	if err := w.Remove(format.BucketJobs, key[:]); err != nil {
		return err
	}
	return w.Remove(format.BucketJobStates, key[:])
}
