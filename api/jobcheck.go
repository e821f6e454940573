package api

import (
	"reflect"
	"slices"

	"gusty/messages"
)

// checkedAnswer says what storing a job would do. It is how a client that keeps jobs as files
// learns whether a stored job is the same: the values of the environment leave the agent masked, so
// the agent compares them. Whoever may ask may store jobs, and so read them anyway.
type checkedAnswer struct {
	Exists             bool     `json:"exists"`
	Changed            []string `json:"changed"`             // names of fields whose values PUT would change; empty where the job does not exist
	ChangedEnvironment []string `json:"changed_environment"` // names of variables that PUT would add, change or remove
	Warning            string   `json:"warning,omitempty"`   // why it would not do what one may expect
}

// checkJob refuses what POST and PUT would refuse but for the name's being taken or free, and
// changes nothing.
func checkJob(r *request) error {
	var in storeRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	job, err := in.job(encodingBase64)
	if err != nil {
		return err
	}
	job.CronExpression = in.CronExpression
	if _, err := checkCron(job.CronExpression); err != nil {
		return err
	}
	checked, err := ask[messages.JobChecked](r, messages.CheckJob{
		Job:   job,
		Patch: in.JobOptionsPatch,
	})
	if err != nil {
		return err
	}
	out := checkedAnswer{
		Changed:            []string{},
		ChangedEnvironment: []string{},
		Warning:            checked.Warning,
	}
	stored, err := ask[messages.Job](r, messages.GetJob{Name: job.Name})
	switch {
	case messages.CodeOf(err) == messages.CodeNotFound:
		return r.ok(out)
	case err != nil:
		return err
	}
	job.Options = in.Apply(stored.Options)
	out.compare(&stored, &job)
	return r.ok(out)
}

// compare fills in what differs.
func (c *checkedAnswer) compare(stored, next *messages.Job) {
	c.Exists = true
	was, is := reflect.ValueOf(newJobAnswer(stored)), reflect.ValueOf(newJobAnswer(next))
	c.ChangedEnvironment = changedNames(stored.Options.Environment, next.Options.Environment)
	for f := range fieldsOf(was.Type()) {
		differs := !reflect.DeepEqual(was.FieldByIndex(f.index).Interface(),
			is.FieldByIndex(f.index).Interface())
		if f.name == "environment" { // masked: its values are compared by themselves
			differs = len(c.ChangedEnvironment) > 0
		}
		if differs {
			c.Changed = append(c.Changed, f.name)
		}
	}
}

// changedNames returns, in order, the names whose value differs or that only one of the two has.
func changedNames(was, is map[string]messages.Secret) []string {
	names := []string{}
	for name, value := range is {
		if old, ok := was[name]; !ok || old != value {
			names = append(names, name)
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
