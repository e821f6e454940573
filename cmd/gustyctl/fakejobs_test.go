package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
)

func (f *fakeAgent) getJobs(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.URL.Query().Get("name")
	if name == "" {
		data, _ := json.Marshal(slices.Sorted(maps.Keys(f.jobs)))
		answerWith(w, http.StatusOK, string(data))
		return
	}
	job, ok := f.jobs[name]
	if !ok {
		refuse(w, http.StatusNotFound, "not_found", "name", "there is no such job")
		return
	}
	data, _ := json.Marshal(job)
	answerWith(w, http.StatusOK, string(data))
}

func (f *fakeAgent) putJob(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var job map[string]any
	if json.NewDecoder(r.Body).Decode(&job) != nil {
		refuse(w, http.StatusBadRequest, "not_json", "", "the body is no JSON")
		return
	}
	name, _ := job["script_name"].(string)
	stored, exists := f.jobs[name]
	switch {
	case r.Method == http.MethodPost && exists:
		refuse(w, http.StatusConflict, "exists", "script_name", "a job of this name exists")
		return
	case name == "torn" && job["description"] != nil: // a whole job, as apply sends it
		panic(http.ErrAbortHandler)
	case name == "unlucky":
		refuse(w, http.StatusServiceUnavailable, "storage_full", "", "the disk is full")
		return
	case job["cron_expression"] == "bad":
		refuse(w, http.StatusUnprocessableEntity, "invalid", "cron_expression",
			"has 1 field, and takes 5, 6 or 7")
		return
	}
	if exists {
		keepMasked(stored["environment"], job["environment"])
		maps.Copy(stored, job)
		job = stored
	}
	f.jobs[name] = job
	answerWith(w, http.StatusOK, `{"success":true,"message":"Script saved successfully"}`)
}

// checkJob compares as an agent does: a masked value of the environment is the stored one.
func (f *fakeAgent) checkJob(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var job map[string]any
	_ = json.NewDecoder(r.Body).Decode(&job)
	name, _ := job["script_name"].(string)
	stored, exists := f.jobs[name]
	changed, variables := []string{}, []string{}
	if job["cron_expression"] == "bad" {
		refuse(w, http.StatusUnprocessableEntity, "invalid", "cron_expression",
			"has 1 field, and takes 5, 6 or 7")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(job)) {
		was, _ := stored[key].(map[string]any)
		if is, group := job[key].(map[string]any); group {
			variables = changedVariables(was, is)
		}
		if exists &&
			(len(variables) > 0 && key == "environment" || key != "environment" &&
				!reflect.DeepEqual(stored[key], job[key])) {
			changed = append(changed, key)
		}
	}
	data, _ := json.Marshal(map[string]any{
		"exists":              exists,
		"changed":             changed,
		"changed_environment": variables,
	})
	answerWith(w, http.StatusOK, string(data))
}

func keepMasked(stored, next any) {
	was, _ := stored.(map[string]any)
	is, _ := next.(map[string]any)
	for name, value := range is {
		if value == "********" {
			is[name] = was[name]
		}
	}
}

func changedVariables(was, is map[string]any) []string {
	names := []string{}
	for name, value := range is {
		if old, ok := was[name]; !ok || value != "********" && old != value {
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

func (f *fakeAgent) deleteJob(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.URL.Query().Get("script_name")
	if _, ok := f.jobs[name]; !ok {
		refuse(w, http.StatusNotFound, "not_found", "script_name", "there is no such job")
		return
	}
	delete(f.jobs, name)
	answerWith(w, http.StatusOK, `"Script deleted successfully"`)
}

func (f *fakeAgent) preview(w http.ResponseWriter, r *http.Request) {
	count, _ := strconv.Atoi(r.URL.Query().Get("count"))
	next := []string{
		"2099-01-01T02:30:00.000Z", "2099-01-02T02:30:00.000Z",
		"2099-01-03T02:30:00.000Z", "2099-01-04T02:30:00.000Z",
	}
	data, _ := json.Marshal(map[string]any{
		"description": "at 02:30 every day",
		"next":        next[:min(count, len(next))],
	})
	answerWith(w, http.StatusOK, string(data))
}
