package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

func (f *fakeAgent) routes() http.Handler {
	open := http.NewServeMux()
	open.HandleFunc("GET /agent/health/ready", f.ready)
	closed := http.NewServeMux()
	for pattern, body := range fixedAnswers() {
		closed.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			answerWith(w, http.StatusOK, body)
		})
	}
	closed.HandleFunc("PUT /agent/config", f.setConfig)
	closed.HandleFunc("PUT /agent/userpassword/update", f.setPassword)
	closed.HandleFunc("POST /agent/command/execute", f.execute)
	closed.HandleFunc("GET /agent/jobs", f.getJobs)
	closed.HandleFunc("POST /agent/job", f.putJob)
	closed.HandleFunc("PUT /agent/job", f.putJob)
	closed.HandleFunc("POST /agent/job/check", f.checkJob)
	closed.HandleFunc("DELETE /agent/job", f.deleteJob)
	closed.HandleFunc("POST /agent/job/run", f.runJob)
	closed.HandleFunc("GET /agent/job/preview", f.preview)
	closed.HandleFunc("GET /agent/runs", f.listRuns)
	closed.HandleFunc("GET /agent/store/rotate", f.rotation)
	closed.HandleFunc("POST /agent/store/rotate", f.rotation)
	closed.HandleFunc("GET /agent/runs/{id}", f.getRun)
	closed.HandleFunc("GET /agent/runs/{id}/output", f.output)
	closed.HandleFunc("GET /agent/backup", f.backup)
	closed.HandleFunc("GET /agent/outbox", f.outbox)
	open.Handle("/", f.authenticated(closed))
	return open
}

// fixedAnswers are those that depend on nothing.
func fixedAnswers() map[string]string {
	return map[string]string{
		"GET /agent/status":  `"Running"`,
		"GET /agent/pid":     `4711`,
		"GET /agent/version": `{"version":"0.1.0","version_valid":true,"build_date":"2026-01-02T03:04:05Z"}`,
		"GET /agent/metric": `{"memory":41.25,"cpu_usage":3.5,"os_name":"Debian GNU/Linux","os_version":"13","disk_usage":17,` +
			`"up_time":90061,"port":20140,"jobs":["backup"],"host":{"memory_total_bytes":4294967296,"load1":0.25}}`,
		"GET /agent/info": `{"agent_details":{"version":"0.1.0","up_time":90061},"agent_local_config":{"auto_upgrade":true},"jobs":["backup"],` +
			`"capabilities":[{"name":"cgroup","available":true,"detail":"/sys/fs/cgroup/gusty"},` +
			`{"name":"cpu controller","available":false,"detail":"not delegated"}]}`,
		"GET /agent/config": `{"agent_id":0,"auto_upgrade":true,"opensearch_non_prod_pass_word":"********"}`,
		"GET /agent/outbox/dead": `{"items":[{"id":"` + runID + `","class":"output","index":"jobs","refused_at":"2026-01-02T03:04:05.000Z","status":400,` +
			`"reason":"failed to parse field [x]","document":{}}],"next":"` + runID + `"}`,
		"POST /agent/outbox/dead/{id}/retry": `{"success":true,"message":"Document queued again"}`,
		"DELETE /agent/outbox/dead/{id}":     `{"success":true,"message":"Document deleted"}`,
		"POST /agent/opensearch/check": `{"ok":false,"steps":[{"step":"DNS","ok":true,"found":"https://os: os is 10.0.0.1","remedy":""},` +
			`{"step":"TCP","ok":false,"found":"https://os: connection refused","remedy":"check the port"}]}`,
		"PUT /agent/restart":           `"Agent Restarted"`,
		"PUT /agent/shutdown":          `"Agent Shutdown initiated"`,
		"PUT /agent/jobs/start":        `"Job execution started"`,
		"PUT /agent/jobs/stop":         `"Job execution stopped"`,
		"GET /agent/job/state":         `{"script_name":"backup","next_due_at":null,"enabled":true,"firing":true,"paused":false,"quarantined":false,"last_run":null}`,
		"PUT /agent/job/pause":         `{"script_name":"backup","enabled":true,"firing":true,"paused":true}`,
		"PUT /agent/job/resume":        `{"script_name":"backup","enabled":true,"firing":true,"paused":false,"next_due_at":"2099-01-01T02:30:00.000Z"}`,
		"POST /agent/runs/{id}/cancel": `{"run_id":"x","state":"running"}`,
	}
}

func (f *fakeAgent) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		f.mu.Lock()
		known := user == "Admin" && password == f.password
		f.mu.Unlock()
		if !known {
			refuse(w, http.StatusUnauthorized, "unauthenticated", "",
				"the credentials are not valid")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answerWith(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func refuse(w http.ResponseWriter, status int, code, field, message string) {
	body, _ := json.Marshal(map[string]any{
		"success": false,
		"code":    code,
		"field":   field,
		"message": message,
	})
	answerWith(w, status, string(body))
}

func (f *fakeAgent) ready(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	status := http.StatusOK
	if f.state != "up" {
		status = http.StatusServiceUnavailable
	}
	answerWith(w, status, fmt.Sprintf(`{"status":"x","components":{"config":"up","scheduler":%q}}`, f.state))
}

func (f *fakeAgent) setConfig(w http.ResponseWriter, r *http.Request) {
	var rows []propertyValue
	if json.NewDecoder(r.Body).Decode(&rows) != nil {
		refuse(w, http.StatusBadRequest, "not_json", "", "the body is no JSON")
		return
	}
	for _, row := range rows {
		switch row.Name {
		case "min_port":
			refuse(w, http.StatusForbidden, "forbidden", "min_port", "is set on the host")
			return
		case "labels": // the test's way to make an actor restart
			f.mu.Lock()
			f.state = row.Value
			f.mu.Unlock()
		case "opensearch_domain_endpoint":
			f.mu.Lock()
			f.endpoint = row.Value
			f.mu.Unlock()
		case "opensearch_user_pass":
			if row.Value != "s3cret" {
				refuse(w, http.StatusUnprocessableEntity, "invalid", row.Name,
					"not what the test sends")
				return
			}
		}
	}
	answerWith(w, http.StatusOK, `{"success":true,"message":"Property updated successfully"}`)
}

// outbox has dead letters where the test has set an endpoint.
func (f *fakeAgent) outbox(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dead, last := 0, ""
	if f.endpoint != "" {
		dead, last = 20, "a document for jobs was refused"
	}
	answerWith(w, http.StatusOK, fmt.Sprintf(
		`{"waiting":2,"bytes":2048,"oldest_at":"2026-01-02T03:04:05.000Z","last_error":%q,"state":"waiting","dead_letters":%d}`, last, dead))
}

func (f *fakeAgent) setPassword(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name, Pass string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Name != "Admin" {
		refuse(w, http.StatusNotFound, "not_found", "name", "there is no such user")
		return
	}
	f.mu.Lock()
	f.password = body.Pass
	f.mu.Unlock()
	answerWith(w, http.StatusOK, `{"success":true,"message":"User updated successfully"}`)
}

// execute echoes the command line; one that begins with "fail" fails.
func (f *fakeAgent) execute(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Command []byte `json:"command"`
		Timeout int    `json:"timeout_seconds"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "invalid", "command", err.Error())
		return
	}
	line := string(body.Command)
	answer := map[string]any{
		"success":   true,
		"message":   line,
		"exit_code": 0,
		"stdout":    line + "\n",
		"stderr":    "",
		"timed_out": false,
	}
	switch {
	case strings.HasPrefix(line, "fail"):
		answer["success"], answer["exit_code"], answer["stderr"] = false, 7, "no such thing\n"
	case body.Timeout == 1:
		answer["success"], answer["exit_code"], answer["timed_out"] = false, nil, true
	}
	data, _ := json.Marshal(answer)
	answerWith(w, http.StatusOK, string(data))
}
