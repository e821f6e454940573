package main

import (
	"fmt"
	"net/http"
)

const runID = "01890a5d-ac96-774b-bcce-b302099a8057"

func endedRun(state string, exitCode int) string {
	return fmt.Sprintf(`{"run_id":%q,"script_name":"backup","state":%q,"reason":"","trigger":"api","due_at":"2026-01-02T03:04:04.988Z","started_at":"2026-01-02T03:04:05.000Z",`+
		`"ended_at":"2026-01-02T03:04:06.500Z","duration_ms":1500,"exit_code":%d,"signal":null}`, runID, state, exitCode)
}

// listRuns has one run, which failed.
func (f *fakeAgent) listRuns(w http.ResponseWriter, r *http.Request) {
	if state := r.URL.Query().Get("state"); state != "" && state != "failed" {
		answerWith(w, http.StatusOK, `{"items":[],"next":null}`)
		return
	}
	answerWith(w, http.StatusOK, `{"items":[`+endedRun("failed", 3)+`],"next":"`+runID+`"}`)
}

func (f *fakeAgent) runJob(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.jobs[r.URL.Query().Get("script_name")]; !ok {
		refuse(w, http.StatusNotFound, "not_found", "script_name", "there is no such job")
		return
	}
	f.polls = 0
	answerWith(w, http.StatusAccepted, fmt.Sprintf(`{"run_id":%q,"state":"queued"}`, runID))
}

// getRun answers with a run that ends at the third look: in failure where the job "broken" is
// stored, never where "endless" is.
func (f *fakeAgent) getRun(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	select {
	case f.polled <- struct{}{}:
	default:
	}
	_, broken := f.jobs["broken"]
	_, endless := f.jobs["endless"]
	switch {
	case r.PathValue("id") != runID:
		refuse(w, http.StatusNotFound, "not_found", "run_id", "there is no such run")
	case f.polls < 3, endless:
		answerWith(w, http.StatusOK, fmt.Sprintf(`{"run_id":%q,"state":"running"}`, runID))
	case broken:
		answerWith(w, http.StatusOK, endedRun("failed", 3))
	default:
		answerWith(w, http.StatusOK, endedRun("succeeded", 0))
	}
}

func (f *fakeAgent) output(w http.ResponseWriter, r *http.Request) {
	switch stream := r.URL.Query().Get("stream"); {
	case r.URL.Query().Get("follow") == "true":
		f.followed(w, r)
	case r.URL.Query().Get("format") == "ndjson":
		_, _ = w.Write([]byte(`{"stream":"stdout","text":"to stdout\n"}` + "\n"))
	case stream == "all":
		_, _ = w.Write([]byte("to stdout\nto stderr\n"))
	default:
		_, _ = w.Write([]byte("to " + stream + "\n"))
	}
}

// followed streams as an agent does: line by line, with blank ones to keep the connection alive. It
// never ends where the job "endless" is stored, and breaks off where "torn" is.
func (f *fakeAgent) followed(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	_, endless := f.jobs["endless"]
	_, torn := f.jobs["torn"]
	f.mu.Unlock()
	for _, line := range []string{
		`{"stream":"stdout","at":"2026-01-02T03:04:05.000Z","text":"to stdout\n"}`, ``, ``,
		`{"stream":"stderr","at":"2026-01-02T03:04:05.000Z","text":"to stderr\n"}`,
		`{"stream":"stdout","at":"2026-01-02T03:04:05.000Z","base64":"Ynl0ZXMK"}`, ``,
		`{"stream":"stdout","at":"2026-01-02T03:04:05.000Z","skipped":7}`,
	} {
		_, _ = w.Write([]byte(line + "\n"))
		_ = http.NewResponseController(w).Flush()
	}
	switch {
	case torn:
		panic(http.ErrAbortHandler)
	case endless:
		select {
		case f.polled <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}
}
