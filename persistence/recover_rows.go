package persistence

import (
	"bytes"
	"slices"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// What of a damaged database follows from other rows, and is made anew: the orders of the runs
// and their counts, what belongs to jobs that are lost, and the parameters' defaults.

// some returns up to rowsPerTransaction keys of a bucket behind after, so that the bucket may be
// changed before the next are asked for.
func (r *rebuild) some(b format.BucketID, after []byte) (keys [][]byte) {
	c := r.writer.bucket(b).Cursor()
	k, _ := c.Seek(after)
	if after != nil && bytes.Equal(k, after) {
		k, _ = c.Next()
	}
	for ; k != nil && len(keys) < rowsPerTransaction; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// eachKey visits all keys of a bucket, which the function may change.
func (r *rebuild) eachKey(b format.BucketID, visit func(key []byte) error) error {
	var after []byte
	for {
		keys := r.some(b, after)
		if len(keys) == 0 {
			return nil
		}
		for _, key := range keys {
			if err := visit(key); err != nil {
				return err
			}
			if err := r.wrote(); err != nil {
				return err
			}
		}
		after = keys[len(keys)-1]
	}
}

// orderRuns writes the orders of the runs, and counts the runs of each job. What all of them take,
// and which of them ran, is counted by the next start.
func (r *rebuild) orderRuns() error {
	counts := map[format.NameKey]uint64{}
	err := r.eachKey(format.BucketRuns, func(key []byte) error {
		job, ok, err := r.orderRun(key)
		if ok {
			counts[job]++
		}
		return err
	})
	if err != nil {
		return err
	}
	err = r.eachKey(format.BucketRunLists, func(key []byte) error {
		if job := format.NameKey(key); counts[job] == 0 {
			counts[job] = 0 // it had some
		}
		return nil
	})
	if err != nil {
		return err
	}
	for job, count := range counts {
		list, err := r.writer.runList(job)
		if err != nil {
			return err
		}
		list.runs, list.counted = count, false
		if err := r.writer.storeRunList(job, list); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuild) orderRun(key []byte) (job format.NameKey, ok bool, err error) {
	if len(key) != len(format.RunKey{}) {
		return job, false, r.writer.Remove(format.BucketRuns, key)
	}
	id := format.RunKey(key)
	run, err := r.writer.run(id, false)
	if err != nil || format.StateNumber(run.State) == 0 {
		return job, false, r.writer.Remove(format.BucketRuns, key)
	}
	job = r.writer.Hide(keyring.NameOfJob, run.ScriptName)
	r.noteLostJob(job, run)
	return job, true, r.writer.order(job, id, 0, format.StateNumber(run.State))
}

// noteLostJob notes the name of a job that has a state and runs, but is not there itself.
func (r *rebuild) noteLostJob(job format.NameKey, run *messages.Run) {
	lost := run.Kind == messages.RunOfJob && r.writer.has(format.BucketJobStates, job[:]) &&
		!r.writer.has(format.BucketJobs, job[:])
	if lost && !slices.Contains(r.lost[format.BucketJobs], run.ScriptName) {
		r.lost[format.BucketJobs] = append(r.lost[format.BucketJobs], run.ScriptName)
	}
}

// dropOrphans removes the states of jobs that are lost: another job of the name must not begin with
// one.
func (r *rebuild) dropOrphans() error {
	return r.eachKey(format.BucketJobStates, func(key []byte) error {
		if r.writer.has(format.BucketJobs, key) {
			return nil
		}
		r.orphans++
		return r.writer.Remove(format.BucketJobStates, key)
	})
}

// fillParameters returns the parameters that are lost their defaults.
func (r *rebuild) fillParameters() error {
	for _, p := range messages.Parameters() {
		key := r.writer.Hide(keyring.NameOfParameter, p.Name)
		if r.writer.has(format.BucketParameters, key[:]) {
			continue
		}
		r.lost[format.BucketParameters] = append(r.lost[format.BucketParameters], p.Name)
		row := messages.StoredParameter{Name: p.Name, Global: p.Default, CanModify: p.CanModify}
		if err := r.writer.storeParameter(&row); err != nil {
			return err
		}
	}
	r.noteLostSettings()
	return r.nameStrays()
}

// noteLostSettings names the settings that every store of an agent has.
func (r *rebuild) noteLostSettings() {
	for _, name := range []string{messages.SettingAgentID, messages.SettingCAKey} {
		key := r.writer.Hide(keyring.NameOfSetting, name)
		if !r.writer.has(format.BucketSettings, key[:]) {
			r.lost[format.BucketSettings] = append(r.lost[format.BucketSettings], name)
		}
	}
	if key := r.writer.Hide(keyring.NameOfUser,
		messages.AdminUser); !r.writer.has(format.BucketUsers, key[:]) {
		r.lost[format.BucketUsers] = append(r.lost[format.BucketUsers], messages.AdminUser)
	}
}

// nameStrays returns the jobs and users among the rows that may be old their names.
func (r *rebuild) nameStrays() error {
	for _, row := range r.stray {
		record, err := r.writer.get(row.where, row.key)
		if err != nil || record == nil {
			continue
		}
		switch row.where {
		case format.BucketJobs:
			if job, err := decodeJob(record, true); err == nil {
				r.strayNames = append(r.strayNames, "job "+job.Name)
			}
		case format.BucketUsers:
			if user, err := decodeUser(record); err == nil {
				r.strayNames = append(r.strayNames, "user "+user.Name)
			}
		}
	}
	return nil
}

// report says what was found and lost. Rows that were made anew count as neither.
func (r *rebuild) report() (buckets []RecoveredBucket, strays []string) {
	for b := range format.BucketCount {
		if b.IsOrder() || b == format.BucketRunLists {
			continue
		}
		found := r.writer.ledger.Digests[b].Rows
		made := uint64(0)
		if b == format.BucketParameters {
			made = uint64(len(r.lost[b]))
		}
		out := RecoveredBucket{
			Name:  b.String(),
			Found: found - made,
			Lost:  -1,
			Stray: r.strays[b],
			Names: r.lost[b],
		}
		if r.old != nil {
			out.Lost = max(int64(r.old.Digests[b].Rows)-int64(out.Found), 0)
			if b == format.BucketJobStates {
				out.Lost = max(out.Lost-int64(r.orphans), 0)
			}
		}
		if out.Lost == 0 {
			out.Names = nil
		}
		buckets = append(buckets, out)
	}
	return buckets, r.strayNames
}
