package api

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"gusty/messages"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// script returns a ScriptRequest with more fields behind the required ones.
func script(name, content, cron, more string) string {
	return fmt.Sprintf(`{"script_name":%q,"content":%q,"cron_expression":%q,"script_type":1%s}`, name, content, cron, more)
}

func TestBareAnswers(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	h.do("PUT", "/agent/jobs/stop", "").want(t, 200, `"Job execution stopped"`)
	h.do("PUT", "/agent/jobs/start", "").want(t, 200, `"Job execution started"`)
	h.do("PUT", "/agent/restart", "").want(t, 200, `"Agent Restarted"`)
	h.do("PUT", "/agent/shutdown", "").want(t, 200, `"Agent Shutdown initiated"`)
	h.do("GET", "/agent/version", "").want(t, 200, `{"version":"1.2.3","version_valid":true,"build_date":"2026-01-01T00:00:00Z"}`)
	h.do("GET", "/agent/health/live", "").want(t, 200, `{"status":"live"}`)
	h.do("GET", "/agent/health/ready", "").want(t, 200, `{"status":"ready","components":{"scheduler":"up"}}`)
	h.do("POST", "/agent/heartbeat", `{"id":"abc","unknown":1}`).want(t, 200, `{"success":true,"message":"abc"}`)
	h.do("PUT", "/agent/userpassword/update", `{"name":"reader","pass":"new"}`).
		want(t, 200, `{"success":true,"message":"User updated successfully"}`)
	h.do("PUT", "/agent/config/auto_upgrade", `{"command":false}`).want(t, 200, `{"success":true,"message":"Record updated successfully"}`)
	if h.agent.config.Bool(messages.ParamAutoUpgrade) {
		t.Error("auto_upgrade is still on")
	}
}

func TestReleaseRoutesHaveNoSource(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/version/list", "").wantError(t, 409, messages.CodeNoReleaseSource, "")
	h.do("PUT", "/agent/version", `{"file_name_version":"x"}`).wantError(t, 409, messages.CodeNoReleaseSource, "")
	h.do("PUT", "/agent/version", `{}`).wantError(t, 422, messages.CodeInvalid, "file_name_version")
}

func TestNotReady(t *testing.T) {
	h := start(t, nil)
	h.agent.replace = func(msg any) (any, bool) {
		return messages.Readiness{
			Reason:     "metric is restarting",
			Components: map[string]string{"metric": "restarting"},
		}, true
	}
	h.do("GET", "/agent/health/ready", "").
		want(t, 503, `{"status":"not_ready","reason":"metric is restarting","components":{"metric":"restarting"}}`)
}

func TestJobLife(t *testing.T) {
	h := start(t, nil)
	saved := `{"success":true,"message":"Script saved successfully","next_due_at":"2026-01-02T03:04:05.678Z"}`
	h.do("GET", "/agent/jobs", "").want(t, 200, `[]`)
	h.do("PUT", "/agent/job", script("a", b64("x"), "* * * * *", "")).wantError(t, 404,
		messages.CodeNotFound, "")
	h.do("POST", "/agent/job", script("a/ü", b64("echo\r\nhi\r\n"), "0 0 3 * * *", `,"environment":{"A":"b"},"later":null`)).want(t, 200, saved)
	h.do("POST", "/agent/job", script("a/ü", b64("x"), "* * * * *", "")).wantError(t, 409,
		messages.CodeExists, "")
	if got := string(h.agent.jobs["a/ü"].Content); got != "echo\nhi\n" {
		t.Errorf("stored %q", got)
	}
	h.do("PUT", "/agent/job", script("a/ü", "echo plain", "@hourly", `,"content_encoding":"plain","nice":5`)).want(t, 200, saved)
	if job := h.agent.jobs["a/ü"]; string(job.Content) != "echo plain" || job.Options.Nice != 5 ||
		job.Options.Environment["A"] != "b" {
		t.Errorf("stored %+v", job)
	}
	h.do("GET", "/agent/jobs", "").want(t, 200, `["a/ü"]`)
	h.do("GET", "/agent/jobs?name=", "").want(t, 200, `["a/ü"]`)
	for _, path := range []string{
		"/agent/jobs?name=a%2f%c3%bc",
		"/agent/job?script_name=a/%C3%BC",
	} {
		job := h.do("GET", path, "")
		if job.status != 200 || !strings.Contains(job.body, `"environment":{"A":"********"}`) || !strings.Contains(job.body, b64("echo plain")) {
			t.Errorf("GET %s: %d %s", path, job.status, job.body)
		}
	}
	h.do("GET", "/agent/jobs?name=b", "").wantError(t, 404, messages.CodeNotFound, "")
	for _, path := range []string{"/agent/job/pause", "/agent/job/resume"} {
		if a := h.do("PUT", path+"?script_name=a/%C3%BC", ""); a.status != 200 {
			t.Errorf("PUT %s: %d %s", path, a.status, a.body)
		}
	}
	if a := h.do("GET", "/agent/job/state?script_name=a/%C3%BC", ""); a.status != 200 || !strings.Contains(a.body, `"quarantine_reason":null`) {
		t.Errorf("state: %d %s", a.status, a.body)
	}
	if a := h.do("POST", "/agent/job/run?script_name=a/%C3%BC", ""); a.status != 202 || !strings.Contains(a.body, `"ended_at":null`) {
		t.Errorf("run: %d %s", a.status, a.body)
	}
	h.do("DELETE", "/agent/job", "").wantError(t, 400, messages.CodeBadQuery, "script_name")
	h.do("DELETE", "/agent/job?script_name=a/%C3%BC", "").want(t, 200, `"Script deleted successfully"`)
	h.do("DELETE", "/agent/job?script_name=a/%C3%BC", "").wantError(t, 404, messages.CodeNotFound,
		"")
}

// What an added route does not take in a body is refused, where it takes none too; an empty object
// is nothing.
func TestBodiesWhereNoneIsTaken(t *testing.T) {
	h := start(t, nil)
	for _, route := range []string{
		"POST /agent/opensearch/check",
		"POST /agent/outbox/dead/0190a5da-ac96-774b-bcce-b302099a8057/retry",
	} {
		method, path, _ := strings.Cut(route, " ")
		h.do(method, path, `{"x":1}`).wantError(t, 422, messages.CodeInvalid, "x")
		h.do(method, path, `[]`).wantError(t, 422, messages.CodeInvalid, "")
		h.do(method, path, `x`).wantError(t, 400, messages.CodeNotJSON, "")
		for _, body := range []string{"", "{}"} {
			if got := h.do(method, path, body); got.status == 422 || got.status == 400 {
				t.Errorf("%s with the body %q: %d %s", route, body, got.status, got.body)
			}
		}
	}
	h.do("PUT", "/agent/jobs/stop", `{"x":1}`).want(t, 200, `"Job execution stopped"`) // a route of the Rust agent
}

// The outbox is shown with figures that can be read.
func TestOutboxIsReadable(t *testing.T) {
	h := start(t, nil)
	got := h.do("GET", "/agent/outbox", "")
	if got.status != 200 || !strings.Contains(got.body, `"shipped_per_second":0.233,`) || !strings.Contains(got.body, `"next_try_at":"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestJobFieldsAtFault(t *testing.T) {
	h := start(t, nil)
	for name, c := range map[string]struct{ body, field string }{
		"cron":          {script("a", "", "61 * * * *", ""), "cron_expression"},
		"base64":        {script("a", "not base64!", "* * * * *", ""), "content"},
		"name empty":    {script("", "", "* * * * *", ""), "script_name"},
		"name control":  {`{"script_name":"a\u0001","content":"","cron_expression":"* * * * *","script_type":1}`, "script_name"},
		"name missing":  {`{"content":"","cron_expression":"* * * * *","script_type":1}`, "script_name"},
		"cron missing":  {`{"script_name":"a","content":"","script_type":1}`, "cron_expression"},
		"type unknown":  {`{"script_name":"a","content":"","cron_expression":"* * * * *","script_type":2}`, "script_type"},
		"type negative": {`{"script_name":"a","content":"","cron_expression":"* * * * *","script_type":-1}`, "script_type"},
		"type float":    {`{"script_name":"a","content":"","cron_expression":"* * * * *","script_type":1.5}`, "script_type"},
		"type text":     {`{"script_name":"a","content":"","cron_expression":"* * * * *","script_type":"1"}`, "script_type"},
		"null":          {script("a", "", "* * * * *", `,"arguments":null`), "arguments"},
		"bool text":     {script("a", "", "* * * * *", `,"async_exec":"true"`), "async_exec"},
		"quote":         {script("a", "", "* * * * *", `,"arguments":"it's"`), "arguments"},
		"zone":          {script("a", "", "* * * * *", `,"time_zone":"Mars/Base"`), "time_zone"},
		"policy":        {script("a", "", "* * * * *", `,"overlap_policy":"never"`), "overlap_policy"},
		"codes":         {script("a", "", "* * * * *", `,"success_exit_codes":[null]`), "success_exit_codes"},
		"environment":   {script("a", "", "* * * * *", `,"environment":{"A":1}`), "environment"},
		"index":         {script("a", "", "* * * * *", `,"opensearch_index":"Upper"`), "opensearch_index"},
		"encoding":      {script("a", "", "* * * * *", `,"content_encoding":"hex"`), "content_encoding"},
		"twice":         {script("a", "", "* * * * *", `,"script_name":"b"`), "script_name"},
		"an array":      {`[]`, ""},
		"a number":      {`7`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.do("POST", "/agent/job", c.body).wantError(t, 422, messages.CodeInvalid, c.field)
		})
	}
	if len(h.agent.asked) != 0 {
		t.Errorf("actors were asked: %v", h.agent.asked)
	}
}

func TestCheckJob(t *testing.T) {
	h := start(t, nil)
	stored := script("a", b64("x"), "* * * * *", `,"environment":{"A":"1","B":"2"}`)
	h.do("POST", "/agent/job/check", stored).want(t, 200, `{"exists":false,"changed":[],"changed_environment":[]}`)
	h.do("POST", "/agent/job", stored)
	h.do("POST", "/agent/job/check", stored).want(t, 200, `{"exists":true,"changed":[],"changed_environment":[]}`)
	h.do("POST", "/agent/job/check", script("a", b64("x\r"), "* * * * *", "")).want(t, 200, `{"exists":true,"changed":[],"changed_environment":[]}`)
	h.do("POST", "/agent/job/check", script("a", b64("y"), "@daily", `,"environment":{"B":"********","C":"3"},"nice":5`)).
		want(t, 200, `{"exists":true,"changed":["content","cron_expression","environment","nice"],"changed_environment":["A","C"]}`)
	h.do("POST", "/agent/job/check", stored).want(t, 200, `{"exists":true,"changed":[],"changed_environment":[]}`)
	h.do("POST", "/agent/job/check", script("a", "", "* * * * *", `,"odd":1`)).wantError(t, 422, messages.CodeInvalid, "odd")
	h.agent.refuse = func(any) error { return messages.Invalidf("run_as", "only root can") }
	h.do("POST", "/agent/job/check", stored).wantError(t, 422, messages.CodeInvalid, "run_as")
}

func TestNotJSON(t *testing.T) {
	h := start(t, nil)
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for _, body := range []string{"x", `{"id":"a"} x`, `{"id":"a"`, "{\"id\":\"\xff\"}", deep, `{'id':1}`} {
		h.do("POST", "/agent/heartbeat", body).wantError(t, 400, messages.CodeNotJSON, "")
	}
	h.do("POST", "/agent/heartbeat", "").wantError(t, 415, messages.CodeNotJSONType, "")
	for kind, want := range map[string]int{
		"text/plain":                      415,
		"":                                415,
		"application/jsonx":               415,
		"Application/JSON; charset=utf-8": 200,
	} {
		request := h.request("POST", "/agent/heartbeat", `{"id":"a"}`)
		request.Header.Set("Content-Type", kind)
		if a := h.send(request); a.status != want {
			t.Errorf("Content-Type %q: %d %s", kind, a.status, a.body)
		}
	}
	request := h.request("POST", "/agent/heartbeat", `{"id":"a"}`)
	request.Header.Set("Content-Encoding", "gzip")
	h.send(request).wantError(t, 415, messages.CodeNotJSONType, "")
}

func TestExecuteCommand(t *testing.T) {
	h := start(t, nil)
	command := func(line, more string) string { return `{"command":"` + b64(line) + `"` + more + `}` }
	got := h.do("POST", "/agent/command/execute", command("echo hi", `,"timeout_seconds":5`))
	got.want(t, 200, `{"success":true,"message":"printed <&> �","run_id":"`+runID+
		`","exit_code":0,"stdout":"printed <&> �","stderr":"warned","duration_ms":0,"truncated":false,"timed_out":false}`)
	if m, ok := h.agent.last().(messages.ExecuteCommand); !ok || m.Command != "echo hi" ||
		m.Timeout.Seconds() != 5 ||
		m.Origin.Principal != testUser || m.Origin.Remote != "127.0.0.1" ||
		m.Origin.RequestID != got.header.Get("X-Request-Id") {
		t.Errorf("asked %#v", h.agent.last())
	}
	h.do("POST", "/agent/command/execute", `{"command":""}`).wantError(t, 400, messages.CodeEmptyCommand, "command")
	h.do("POST", "/agent/command/execute", command(" \n", "")).wantError(t, 400,
		messages.CodeEmptyCommand, "command")
	h.do("POST", "/agent/command/execute", command("a\x00b", "")).wantError(t, 422,
		messages.CodeInvalid, "command")
	h.do("POST", "/agent/command/execute", command("\xff", "")).wantError(t, 422,
		messages.CodeInvalid, "command")
	h.do("POST", "/agent/command/execute", command("x", `,"timeout_seconds":0`)).wantError(t, 422, messages.CodeInvalid, "timeout_seconds")
	h.do("POST", "/agent/command/execute", command("x", `,"timeout_seconds":86401`)).wantError(t, 422, messages.CodeInvalid, "timeout_seconds")

	code := 3
	h.agent.replace = func(any) (any, bool) {
		return messages.RunFinished{
			Run:    messages.Run{ID: runID, State: messages.RunFailed, ExitCode: &code},
			Stderr: []byte("no"),
		}, true
	}
	failed := h.do("POST", "/agent/command/execute", command("x", ""))
	if !strings.HasPrefix(failed.body, `{"success":false,"message":"Command failed with error: no",`) || failed.status != 200 {
		t.Errorf("%d %s", failed.status, failed.body)
	}
}

func TestExecuteScript(t *testing.T) {
	h := start(t, nil)
	plain := `{"script_name":"a","content":"echo\r\n","script_type":1}`
	if got := h.do("POST", "/agent/job/execute", plain); got.status != 200 || !strings.Contains(got.body, `"message":"echo\n"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	h.do("POST", "/agent/job/execute", script("a", b64("x"), "nonsense", `,"content_encoding":"base64","async_exec":true`)).
		want(t, 200, `{"success":true,"message":"Job running in the background","run_id":"`+runID+`"}`)
	if m, ok := h.agent.last().(messages.ExecuteScript); !ok || string(m.Job.Content) != "x" {
		t.Errorf("asked %#v", h.agent.last())
	}
	h.do("POST", "/agent/job/execute", script("a", "", "", "")).wantError(t, 422,
		messages.CodeInvalid, "content")
}

func TestRuns(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/runs/"+strings.ToUpper(runID), "").want(t, 200, `{"run_id":"`+runID+`","script_name":"nightly","state":"succeeded",`+
		`"reason":null,"trigger":"schedule","due_at":"2026-01-02T03:04:05.678Z","started_at":"2026-01-02T03:04:05.678Z",`+
		`"ended_at":"2026-01-02T03:04:06.678Z","duration_ms":1000,"exit_code":0,"signal":null,"attempt":0,"count":1,"stdout_bytes":0,"stderr_bytes":0,`+
		`"stdout_truncated":false,"stderr_truncated":false,"cpu_user_ms":null,"cpu_system_ms":null,"max_rss_bytes":null,"principal":null}`)
	if got := h.do("GET", "/agent/runs?limit=5&state=failed&script_name=x&before="+goneID,
		""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	want := messages.ListRuns{Query: messages.RunQuery{
		ScriptName: "x",
		State:      messages.RunFailed,
		Before:     goneID,
		Limit:      5,
	}}
	if h.agent.last() != want {
		t.Errorf("asked %#v", h.agent.last())
	}
	h.do("GET", "/agent/runs/"+goneID, "").wantError(t, 404, messages.CodeNotFound, "")
	h.do("GET", "/agent/runs/nonsense", "").wantError(t, 404, messages.CodeNotFound, "")
	h.do("POST", "/agent/runs/"+runID+"/cancel", "").wantError(t, 409, messages.CodeConflict, "")
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=1001": "limit", "limit=x": "limit", "limit=": "limit", "state=odd": "state", "before=1": "before",
		"script_name=%FF": "script_name", "scriptname=x": "scriptname",
	} {
		h.do("GET", "/agent/runs?"+query, "").wantError(t, 400, messages.CodeBadQuery, field)
	}
}

func TestPreview(t *testing.T) {
	h := start(t, nil)
	for _, from := range []string{
		"2026-01-01T00:00:00Z", "2026-01-01T01:00:00%2B01:00",
		"1767225600",
	} {
		got := h.do("GET",
			"/agent/job/preview?cron_expression=0+3+*+*+*&time_zone=Europe/Berlin&count=2&from="+
				from, "")
		if got.status != 200 || !strings.Contains(got.body, `"next":["2026-01-01T02:00:00.000Z","2026-01-02T02:00:00.000Z"]`) {
			t.Errorf("from %s: %d %s", from, got.status, got.body)
		}
	}
	for expression, warns := range map[string]bool{
		"0+0+30+2+*":       true,
		"*+*+*+*+*+*+1999": true,
		"@reboot":          false,
		"@daily":           false,
	} {
		got := h.do("GET", "/agent/job/preview?cron_expression="+expression, "")
		if got.status != 200 || strings.Contains(got.body, `"warning":"the expression never fires`) != warns {
			t.Errorf("%s: %d %s, want a warning: %v", expression, got.status, got.body, warns)
		}
	}
	h.do("GET", "/agent/job/preview?cron_expression=99+*+*+*+*", "").wantError(t, 400,
		messages.CodeBadQuery, "cron_expression")
	h.do("GET", "/agent/job/preview", "").wantError(t, 400, messages.CodeBadQuery,
		"cron_expression")
	h.do("GET", "/agent/job/preview?cron_expression=@daily&time_zone=No/Zone", "").wantError(t, 400,
		messages.CodeBadQuery, "time_zone")
	for _, from := range []string{
		"now", "1767225600.5", "253402300800", "-62135596801",
		"0000-12-31T00:00:00Z", "99999999999999999999",
	} {
		h.do("GET", "/agent/job/preview?cron_expression=@daily&from="+from, "").wantError(t, 400,
			messages.CodeBadQuery, "from")
	}
}

func TestConfig(t *testing.T) {
	h := start(t, nil)
	updated := `{"success":true,"message":"Property updated successfully"}`
	h.do("PUT", "/agent/config", `[]`).want(t, 200, updated)
	h.do("PUT", "/agent/config", `[{"propertyName":"auto_upgrade","propertyValue":"false"},`+
		`{"propertyName":"opensearch_user_pass","propertyValue":"hidden"}]`).want(t, 200, updated)
	config := h.do("GET", "/agent/config", "")
	for _, part := range []string{
		`"auto_upgrade":false`, `"opensearch_non_prod_pass_word":"********"`, `"port":20140`, `"cron_agent_discovery":"@every 300s"`,
		`"cron_agent_autoupgrade_check":"0 0 3 * * *"`, `"version":"1.2.3"`, `"install_dir":"/opt/gusty"`, `"cron_agent_checksum":"abab`,
	} {
		if !strings.Contains(config.body, part) {
			t.Errorf("%s is missing in %s", part, config.body)
		}
	}
	row := func(name, value string) string {
		return fmt.Sprintf(`[{"propertyName":"log_level","propertyValue":"debug"},{"propertyName":%q,"propertyValue":%q}]`, name, value)
	}
	h.do("PUT", "/agent/config", row("nonsense", "1")).wantError(t, 422, messages.CodeInvalid,
		"propertyName")
	h.do("PUT", "/agent/config", row("server_port", "x")).wantError(t, 422, messages.CodeInvalid,
		"propertyValue")
	h.do("PUT", "/agent/config", row("ip_addr", "::1")).wantError(t, 403, messages.CodeForbidden,
		"propertyName")
	h.do("PUT", "/agent/config", `[{"propertyName":"log_level"}]`).wantError(t, 422, messages.CodeInvalid, "propertyValue")
	h.do("PUT", "/agent/config", `{}`).wantError(t, 422, messages.CodeInvalid, "")
	if h.agent.config.Text(messages.ParamLogLevel) != "info" {
		t.Error("a row was applied although another was bad")
	}
}

func TestInfoAndMetric(t *testing.T) {
	h := start(t, nil)
	metric := h.do("GET", "/agent/metric", "")
	if !strings.HasPrefix(metric.body, `{"memory":12.5,"cpu_usage":3.25,"rust_version":"Not Found","os_name":"Debian","kernel_version":"6.1",`+
		`"os_version":"12","disk_usage":80,"up_time":1234,"port":20140,"jobs":[],"host":{`) {
		t.Error(metric.body)
	}
	h.do("POST", "/agent/job", script("new", "", "@daily", ""))
	if metric = h.do("GET", "/agent/metric", ""); !strings.Contains(metric.body, `"jobs":["new"]`) {
		t.Errorf("a job that was just stored is missing in %s", metric.body)
	}
	info := h.do("GET", "/agent/info", "")
	local := `"agent_local_config":{"opensearch_non_prod_domain_endpoint":""`
	capabilities := `"capabilities":[{"name":"cgroup","available":true,"detail":"/sys/fs/cgroup/gusty"},{"name":"memfd","available":false,"detail":"none"}]`
	for _, part := range []string{capabilities, `"vm_hostname":"host"`, `"vm_ip":"192.0.2.1"`, local, `"jobs":["new"]`} {
		if !strings.Contains(info.body, part) {
			t.Errorf("%s is missing in %s", part, info.body)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := start(t, nil)
	for _, path := range []string{
		"/", "/agent/status/", "/agent", "/Agent/status",
		"/agent/runs/a/b", "/agent/runs/",
	} {
		h.do("GET", path, "").wantError(t, 404, messages.CodeNoSuchRoute, "")
	}
	for path, allow := range map[string]string{
		"/agent/job": "DELETE, GET, HEAD, POST, PUT", "/agent/status": "GET, HEAD", "/agent/runs/" + runID + "/cancel": "POST",
	} {
		got := h.do("PATCH", path, "")
		got.wantError(t, 405, messages.CodeMethodNotAllowed, "")
		if got.header.Get("Allow") != allow {
			t.Errorf("%s: Allow is %q", path, got.header.Get("Allow"))
		}
	}
	if head := h.do("HEAD", "/agent/metric", ""); head.status != 200 || head.body != "" ||
		head.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
}

func TestNotReadyWhereNoRunStarts(t *testing.T) {
	h := start(t, nil)
	h.agent.replace = func(any) (any, bool) {
		return messages.Readiness{
			Ready: true, Starts: "there is no room for another process",
			Components: map[string]string{"run_starts": "failing"},
		}, true
	}
	h.do("GET", "/agent/health/ready", "").want(t, 503, `{"status":"not_ready","reason":`+
		`"runs can't be started: there is no room for another process","components":{"run_starts":"failing"}}`)
}
