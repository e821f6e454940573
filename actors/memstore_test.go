package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gusty/messages"
)

// memStore is a Store in memory with the rules of the real one: one committer, first in first out,
// whole changes or none, transaction ids, and reads that show what is committed.
type memStore struct {
	mu sync.Mutex
	tables
	commits     []commit                    // every change that was committed, in order
	refuse      func(messages.Change) error // consulted for each change; nil: none is refused
	panics      func(read string)           // consulted for each read of a row
	outputs     map[string]*memOutput
	outputError error
	long        map[string]int          // pieces of output, by run
	indices     map[string]string       // of all documents that were ever queued, by id
	lastAlive   time.Time               // when an earlier life committed last
	scripts     map[string]messages.Job // of queued runs that came with one
	noted       map[string]bool         // runs that were about to be started
	doubted     map[string]bool         // runs of an earlier life, of whose starts nothing is known

	queue  []submitted
	wake   chan struct{}
	gate   chan struct{} // not nil: the committer waits for its closing
	closed chan struct{}
}

type tables struct {
	tx         uint64
	jobs       map[string]messages.Job
	states     map[string]messages.JobState
	runs       map[string]messages.Run
	users      map[string]messages.User
	parameters map[string]string
	settings   map[string]string
	documents  []messages.Document
	most       int // of documents; 0: any number
	loss       messages.Loss
	sequence   uint64
	alive      time.Time // of the last commit
	shipped    uint64
	refused    uint64
}

type submitted struct {
	change messages.Change
	done   func(messages.Committed)
}

type commit struct {
	at     time.Time
	change messages.Change
}

func newMemStore() *memStore {
	return openMemStore(tables{
		tx: 1, jobs: map[string]messages.Job{}, states: map[string]messages.JobState{},
		runs: map[string]messages.Run{},
		users: map[string]messages.User{"Admin": {
			Name:   "Admin",
			Hash:   "old",
			Scopes: messages.AllScopes(),
		}},
		parameters: map[string]string{},
		settings:   map[string]string{messages.SettingAgentID: "agent-1"},
	})
}

func openMemStore(t tables) *memStore {
	s := &memStore{
		tables: t, wake: make(chan struct{}, 1), closed: make(chan struct{}),
		outputs: map[string]*memOutput{}, scripts: map[string]messages.Job{},
		noted: map[string]bool{}, doubted: map[string]bool{},
	}
	go s.commitAll()
	return s
}

// afterKill returns a store as the next start of a killed agent finds it: with what is committed,
// and with the notes of starts.
func (s *memStore) afterKill() *memStore {
	next := s.afterCrash()
	s.mu.Lock()
	defer s.mu.Unlock()
	next.noted, next.doubted = maps.Clone(s.noted), maps.Clone(s.doubted)
	return next
}

// afterCrash returns a store with what is committed, as the next start finds it after a power cut.
func (s *memStore) afterCrash() *memStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables
	t.jobs, t.states, t.runs = maps.Clone(t.jobs), maps.Clone(t.states), maps.Clone(t.runs)
	t.users, t.parameters, t.settings = maps.Clone(t.users), maps.Clone(t.parameters), maps.Clone(
		t.settings)
	next := openMemStore(t)
	next.lastAlive, next.outputs = t.alive, maps.Clone(s.outputs)
	next.scripts = maps.Clone(s.scripts)
	for id := range t.runs {
		next.doubted[id] = true
	}
	return next
}

func (s *memStore) close() { close(s.closed) }

// block holds the committer up until the function that it returns is called.
func (s *memStore) block() (unblock func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	}
}

func (s *memStore) refuseWith(f func(messages.Change) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

func (s *memStore) Submit(change messages.Change, done func(messages.Committed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, submitted{change, done})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *memStore) commitAll() {
	for {
		select {
		case <-s.closed:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		gate := s.gate
		s.mu.Unlock()
		if gate != nil {
			<-gate
		}
		s.commitWaiting()
	}
}

func (s *memStore) commitWaiting() {
	s.mu.Lock()
	batch := s.queue
	s.queue = nil
	s.tx++
	s.alive = time.Now()
	results := make([]messages.Committed, len(batch))
	for i := range batch {
		results[i] = s.commit(batch[i].change)
	}
	s.mu.Unlock()
	for i := range batch {
		batch[i].done(results[i])
	}
}

func (s *memStore) commit(change messages.Change) messages.Committed {
	if s.refuse != nil {
		if err := s.refuse(change); err != nil {
			return messages.Committed{Err: err}
		}
	}
	for _, row := range change.Rows {
		if err := s.check(row); err != nil {
			return messages.Committed{Err: err}
		}
	}
	result := messages.Committed{TxID: s.tx}
	for _, row := range change.Rows {
		s.apply(row, &result)
	}
	if result.Job != nil {
		result.State = s.states[result.Job.Name]
	}
	s.commits = append(s.commits, commit{time.Now(), change})
	return result
}

func (s *memStore) check(row messages.Row) error {
	switch row := row.(type) {
	case messages.JobRow:
		_, exists := s.jobs[row.Job.Name]
		if exists && row.Expect == messages.ExpectAbsent {
			return messages.Errorf(messages.CodeExists, "the job exists")
		}
		if !exists && row.Expect == messages.ExpectPresent {
			return messages.Errorf(messages.CodeNotFound, "there is no such job")
		}
	case messages.JobGone:
		if _, exists := s.jobs[row.Name]; !exists {
			return messages.Errorf(messages.CodeNotFound, "there is no such job")
		}
	case messages.UserRow:
		if _, exists := s.users[row.User.Name]; !exists && row.Expect == messages.ExpectPresent {
			return messages.Errorf(messages.CodeNotFound, "there is no such user")
		}
	case messages.LossTold:
		if row.Count != s.loss.Count() {
			return messages.Errorf(messages.CodeConflict, "another number was lost")
		}
	}
	return nil
}

func (s *memStore) apply(row messages.Row, result *messages.Committed) {
	switch row := row.(type) {
	case messages.JobRow:
		s.applyJob(row, result)
	case messages.JobGone:
		delete(s.jobs, row.Name)
		delete(s.states, row.Name)
	case messages.JobStateRow:
		s.applyState(row)
	case messages.RunRow:
		s.runs[row.Run.ID] = row.Run
		s.carry(row)
	case messages.RunsLeft:
		for id, run := range s.runs {
			run.Armed = run.Armed && s.startOf(id) != messages.StartNone
			s.runs[id] = run
		}
	case messages.ParameterRow:
		s.parameters[row.Name] = row.Local
	case messages.UserRow:
		user := s.users[row.User.Name]
		user.Name, user.Hash, user.Disabled = row.User.Name, row.User.Hash, false
		s.users[row.User.Name] = user
	case messages.DocumentRow:
		s.sequence++
		row.Document.Sequence = s.sequence
		s.documents = append(s.documents, row.Document)
		if s.indices == nil {
			s.indices = map[string]string{}
		}
		s.indices[row.Document.ID] = row.Document.Index
		if row.LimitBytes > 0 {
			s.dropDocuments()
		}
	case messages.LossTold:
		s.loss = messages.Loss{}
	case messages.DocumentsShipped:
		s.shipped += s.takeDocuments(row.Keys...)
	case messages.DocumentRefused:
		s.refused += s.takeDocuments(row.Key)
	case messages.SettingRow:
		s.settings[row.Name] = string(row.Value)
	case messages.ImportRows:
		s.applyImport(row, result)
	}
}

func (s *memStore) applyJob(row messages.JobRow, result *messages.Committed) {
	old, known := s.jobs[row.Job.Name]
	job := row.Job
	job.Options = messages.DefaultJobOptions()
	if known {
		job.Options = old.Options
	}
	if row.Patch != nil {
		job.Options = row.Patch.Apply(job.Options)
	}
	if !known || old.CronExpression != job.CronExpression {
		paused := s.states[job.Name].Paused
		s.states[job.Name] = messages.JobState{
			PlannedThrough: row.AnchorAt,
			Anchor:         row.AnchorAt,
			Paused:         paused,
		}
	}
	s.jobs[job.Name] = job
	result.Job = &job
}

func (s *memStore) applyState(row messages.JobStateRow) {
	if _, exists := s.jobs[row.Name]; !exists {
		return
	}
	s.states[row.Name] = s.states[row.Name].With(row.Part, &row.State)
}

func (s *memStore) LoadParameters(each func(messages.StoredParameter) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		if err := each(messages.StoredParameter{
			Name:  name,
			Local: s.parameters[name],
		}); err != nil {
			return 0, err
		}
	}
	return s.tx, nil
}

func (s *memStore) LoadUsers(each func(messages.User) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range s.users {
		if err := each(user); err != nil {
			return 0, err
		}
	}
	return s.tx, nil
}

func (s *memStore) JobIndices() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, job := range s.jobs {
		if job.OpenSearchEnabled && job.OpenSearchIndex != "" {
			names = append(names, job.OpenSearchIndex)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (s *memStore) LoadJobs(each func(messages.JobHead) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		job := s.jobs[name]
		head := job.Head()
		head.State = s.states[name]
		if err := each(head); err != nil {
			return 0, err
		}
	}
	return s.tx, nil
}

func (s *memStore) LoadActiveRuns(each func(messages.Run) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.runs)) {
		if run := s.runs[id]; run.State.Active() {
			if err := each(run); err != nil {
				return 0, err
			}
		}
	}
	return s.tx, nil
}

func (s *memStore) Job(name string) (messages.Job, error) {
	s.mu.Lock()
	panics := s.panics
	job, ok := s.jobs[name]
	s.mu.Unlock()
	if panics != nil {
		panics(name)
	}
	if !ok {
		return job, messages.Errorf(messages.CodeNotFound, "there is no job named %q", name)
	}
	return job, nil
}

func (s *memStore) Run(id string) (messages.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run, ok := s.runs[id]
	if !ok {
		return run, messages.Errorf(messages.CodeNotFound, "there is no such run")
	}
	return run, nil
}

func (s *memStore) Runs(q messages.RunQuery) (messages.RunPage, error) {
	runs := s.runsOf(q.ScriptName)
	slices.Reverse(runs)
	runs = slices.DeleteFunc(runs, func(r messages.Run) bool {
		return q.Before != "" && r.ID >= q.Before || q.State != "" && r.State != q.State
	})
	page := messages.RunPage{Runs: runs[:min(len(runs), q.Limit)]}
	if len(runs) > q.Limit {
		page.Next = page.Runs[q.Limit-1].ID
	}
	return page, nil
}

// runsOf returns the runs of a job, or of all with an empty name, oldest first.
func (s *memStore) runsOf(name string) []messages.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []messages.Run
	for _, id := range slices.Sorted(maps.Keys(s.runs)) {
		if run := s.runs[id]; name == "" || run.ScriptName == name {
			runs = append(runs, run)
		}
	}
	return runs
}

func (s *memStore) LastAlive() time.Time { return s.lastAlive }

func (s *memStore) Setting(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.settings[name]), nil
}

func (s *memStore) Outbox() (messages.OutboxStanding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return messages.OutboxStanding{
		Waiting: uint64(len(s.documents)),
		Shipped: s.shipped,
		Refused: s.refused,
		Dead:    s.refused,
		Loss:    s.loss,
	}, nil
}

// dropDocuments drops the oldest ones where there are too many.
func (s *memStore) dropDocuments() {
	for s.most > 0 && len(s.documents) > s.most {
		i := slices.IndexFunc(s.documents, func(d messages.Document) bool {
			return d.Class != messages.DocumentNotice
		})
		if i < 0 {
			return
		}
		lost := s.documents[i]
		s.documents = slices.Delete(slices.Clone(s.documents), i, i+1)
		if s.loss.ByClass == nil {
			s.loss = messages.Loss{
				ByClass: map[messages.DocumentClass]uint64{},
				From:    lost.QueuedAt,
			}
		}
		s.loss.ByClass = maps.Clone(s.loss.ByClass)
		s.loss.ByClass[lost.Class]++
		s.loss.To = lost.QueuedAt
	}
}

// takeDocuments removes waiting documents, and returns how many there were.
func (s *memStore) takeDocuments(keys ...messages.DocumentKey) uint64 {
	gone := map[messages.DocumentKey]bool{}
	for _, key := range keys {
		gone[key] = true
	}
	before := len(s.documents)
	s.documents = slices.DeleteFunc(slices.Clone(s.documents), func(d messages.Document) bool {
		return gone[d.Key()]
	})
	return uint64(before - len(s.documents))
}

func (s *memStore) Documents(after uint64, each func(messages.Document) (bool, error)) error {
	s.mu.Lock()
	documents := slices.Clone(s.documents)
	s.mu.Unlock()
	for _, d := range documents {
		if d.Sequence <= after {
			continue
		}
		if more, err := each(d); err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *memStore) Dead(string, int) (messages.DeadPage, error) { return messages.DeadPage{}, nil }

// EachOutput returns what a run has printed, and 32 KB pieces of the outputs that a test has made
// long. Of a run that is not there it does not open.
func (s *memStore) EachOutput(runID string, each func(messages.OutputChunk) error) error {
	s.mu.Lock()
	_, known := s.runs[runID]
	pieces, long := s.long[runID]
	o := s.outputs[runID]
	s.mu.Unlock()
	var chunks []messages.OutputChunk
	if o != nil {
		chunks = o.printed()
	}
	for range pieces {
		chunks = append(chunks, messages.OutputChunk{
			Stream: messages.Stdout,
			Data:   bytes.Repeat([]byte("x"), maxPartBytes),
		})
	}
	for _, c := range chunks {
		if err := each(c); err != nil {
			return err
		}
	}
	if !known && !long && o == nil {
		return errors.New("the output does not open")
	}
	return nil
}

func (s *memStore) FollowOutput(string) (messages.OutputFollower, error) {
	return idleFollower{}, nil
}

// idleFollower follows a run that never prints and never ends.
type idleFollower struct{}

func (idleFollower) Next(ctx context.Context) (messages.OutputChunk, error) {
	<-ctx.Done()
	return messages.OutputChunk{}, ctx.Err()
}

func (idleFollower) Close() {}

func (s *memStore) NewOutput(runID string, _ int64) Output {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &memOutput{fail: s.outputError, lost: map[messages.Stream]int64{}}
	s.outputs[runID] = o
	return o
}

func (s *memStore) Backup() (messages.Backup, error) {
	return messages.Backup{}, errors.New("this store has no file")
}

func (s *memStore) Stats() messages.StoreStats { return messages.StoreStats{} }

func (s *memStore) eachCommit(each func(commit)) {
	s.mu.Lock()
	commits := slices.Clone(s.commits)
	s.mu.Unlock()
	for _, c := range commits {
		each(c)
	}
}

// putJob stores a job as if it had been there before the start.
func (s *memStore) putJob(job messages.Job, state messages.JobState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[job.Name], s.states[job.Name] = job, state
}

// putRun keeps a run of an earlier life.
func (s *memStore) putRun(run messages.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[run.ID], s.doubted[run.ID] = run, true
}

func (s *memStore) carry(row messages.RunRow) {
	switch {
	case row.Run.State != messages.RunQueued:
		delete(s.scripts, row.Run.ID)
	case row.Script != nil:
		s.scripts[row.Run.ID] = *row.Script
	}
}

func (s *memStore) RunScript(id string) (messages.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, ok := s.scripts[id]
	if !ok {
		return job, messages.Errorf(messages.CodeNotFound, "it carries none")
	}
	return job, nil
}

func (s *memStore) NoteStart(runID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted[runID] = true
	return nil
}

func (s *memStore) StartOf(runID string) messages.StartTrace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.startOf(runID)
}

func (s *memStore) startOf(runID string) messages.StartTrace {
	switch {
	case s.doubted[runID]:
		return messages.StartUnknown
	case s.noted[runID]:
		return messages.StartNoted
	default:
		return messages.StartNone
	}
}

// memOutput keeps what a run prints.
type memOutput struct {
	mu     sync.Mutex
	fail   error
	lost   map[messages.Stream]int64 // bytes, where it fails
	chunks []messages.OutputChunk
	closed int
}

func (o *memOutput) Write(stream messages.Stream, data []byte, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		o.lost[stream] += int64(len(data))
		return o.fail
	}
	o.chunks = append(o.chunks, messages.OutputChunk{
		Stream: stream,
		At:     at,
		Data:   slices.Clone(data),
	})
	return nil
}

func (o *memOutput) printed() []messages.OutputChunk {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.chunks)
}

func (o *memOutput) Close() (messages.OutputSummary, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed++
	s := messages.OutputSummary{
		Inline:      o.chunks,
		StdoutBytes: o.lost[messages.Stdout],
		StderrBytes: o.lost[messages.Stderr],
	}
	for _, c := range o.chunks {
		if c.Stream == messages.Stdout {
			s.StdoutBytes += int64(len(c.Data))
		} else {
			s.StderrBytes += int64(len(c.Data))
		}
	}
	return s, o.fail
}

// describe lists runs for a failure message.
func describe(runs []messages.Run) string {
	var text strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&text, "\n  %s %s %s due %s: %s", r.ScriptName, r.Trigger, r.State,
			stamp(r.DueAt), r.Reason)
	}
	return text.String()
}
