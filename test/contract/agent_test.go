package contract

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"

	"gusty/test/agent"
)

func testAgent(t *testing.T, s *suite) {
	noCredentials := map[string]string{"Authorization": ""}
	s.run(t, []probe{
		{method: http.MethodGet, path: "/agent/status", status: 200, exact: `"Running"`},
		{method: http.MethodGet, path: "/agent/pid", status: 200, exact: strconv.Itoa(s.process.PID)},
		{method: http.MethodGet, path: "/agent/metric", status: 200, check: checkMetric(s)},
		{method: http.MethodGet, path: "/agent/info", status: 200, check: checkInfo(s)},
		{method: http.MethodGet, path: "/agent/outbox", status: 200},
		{method: http.MethodGet, path: "/metrics", status: 200, check: checkPrometheus},
		{method: http.MethodGet, path: "/agent/version", status: 200, check: func(t *testing.T, body []byte) {
			requireShape(t, "the version", body, shape{
				"version":       str,
				"version_valid": boolean,
				"build_date":    str,
			})
		}},
		{method: http.MethodGet, path: "/agent/version/list", status: 409, code: "no_release_source"},
		{method: http.MethodPut, path: "/agent/version", body: `{"file_name_version":"gusty-9"}`, status: 409, code: "no_release_source"},
		{name: "version: not JSON", method: http.MethodPut, path: "/agent/version", body: `{`, status: 400, code: "not_json"},
		{name: "version: field missing", method: http.MethodPut, path: "/agent/version", body: `{}`, status: 422, field: "file_name_version"},
		{name: "version: number", method: http.MethodPut, path: "/agent/version", body: `{"file_name_version":7}`, status: 422, field: "file_name_version"},

		{method: http.MethodGet, path: "/agent/health/live", header: noCredentials, status: 200, exact: `{"status":"live"}`},
		{method: http.MethodGet, path: "/agent/health/ready", header: noCredentials, status: 200, check: checkReady},

		{method: http.MethodPost, path: "/agent/heartbeat", body: `{"id":"beat-7"}`, status: 200, check: checkExec("beat-7")},
		{name: "heartbeat: id missing", method: http.MethodPost, path: "/agent/heartbeat", body: `{}`, status: 422, field: "id"},
		{name: "heartbeat: id a number", method: http.MethodPost, path: "/agent/heartbeat", body: `{"id":7}`, status: 422, field: "id"},
		{name: "heartbeat: a list", method: http.MethodPost, path: "/agent/heartbeat", body: `[]`, status: 422},
		{name: "heartbeat: not JSON", method: http.MethodPost, path: "/agent/heartbeat", body: `id=7`, status: 400, code: "not_json"},

		{method: http.MethodPut, path: "/agent/jobs/stop", status: 200, exact: `"Job execution stopped"`},
		{method: http.MethodPut, path: "/agent/jobs/start", status: 200, exact: `"Job execution started"`},
	})
}

// checkExec expects an Exec of success with the message.
func checkExec(message string) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		t.Helper()
		requireShape(t, "the answer", body, execShape())
		got := decode[struct {
			Success bool
			Message string
		}](t, body)
		if !got.Success || got.Message != message {
			t.Errorf("the answer is %s, want success and %q", body, message)
		}
	}
}

func checkMetric(s *suite) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		requireShape(t, "the metric", body, metricShape())
		got := decode[struct {
			Memory float64
			Disk   float64 `json:"disk_usage"`
			CPU    float64 `json:"cpu_usage"`
			UpTime int64   `json:"up_time"`
			Port   int
		}](t, body)
		for name, percent := range map[string]float64{
			"memory":     got.Memory,
			"disk_usage": got.Disk,
			"cpu_usage":  got.CPU,
		} {
			if percent < 0 || percent > 100 {
				t.Errorf("%s is %g, not a percentage", name, percent)
			}
		}
		if got.Memory == 0 || got.Disk == 0 || got.UpTime == 0 || got.Port != s.process.Port {
			t.Errorf("memory, disk, uptime and port must tell the truth: %s", body)
		}
	}
}

func checkInfo(s *suite) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		requireShape(t, "the info", body, shape{
			"agent_details":      object,
			"agent_config":       object,
			"agent_local_config": object,
			"jobs":               texts,
		})
		got := decode[map[string]json.RawMessage](t, body)
		requireShape(t, "agent_details", got["agent_details"], detailsShape())
		requireShape(t, "agent_config", got["agent_config"], configShape())
		details := decode[struct{ PID, Port int }](t, got["agent_details"])
		capabilities := decode[[]struct{ Name, Detail string }](t, got["capabilities"])
		if len(capabilities) == 0 || capabilities[0].Name == "" || capabilities[0].Detail == "" {
			t.Errorf("capabilities are %s", got["capabilities"])
		}
		if details.PID != s.process.PID || details.Port != s.process.Port {
			t.Errorf("pid or port is wrong: %s", got["agent_details"])
		}
	}
}

func checkPrometheus(t *testing.T, body []byte) {
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("/metrics is not in the text format: %v", err)
	}
	if len(families) < 10 {
		t.Errorf("/metrics has only %d families", len(families))
	}
}

func checkReady(t *testing.T, body []byte) {
	ready := decode[struct{ Components map[string]string }](t, body)
	for _, name := range []string{"config", "metric", "scheduler", "executors", "access"} {
		if ready.Components[name] != "up" {
			t.Errorf("component %s is %q, want up: %s", name, ready.Components[name], body)
		}
	}
}

// testRestart restarts all actors and finds their state unchanged, on the same connection.
func testRestart(t *testing.T, s *suite) {
	job := agent.JobBody("survives-restart", "0 0 1 1 *", "echo here")
	s.run(t, []probe{
		{method: http.MethodPost, path: "/agent/job", body: job, status: 200},
		{method: http.MethodPut, path: "/agent/restart", status: 200, exact: `"Agent Restarted"`},
		{method: http.MethodGet, path: "/agent/status", status: 200, exact: `"Running"`},
		{method: http.MethodGet, path: "/agent/pid", status: 200, exact: strconv.Itoa(s.process.PID)},
		{method: http.MethodGet, path: "/agent/jobs?name=survives-restart", status: 200},
		{method: http.MethodDelete, path: "/agent/job?script_name=survives-restart", status: 200, exact: `"Script deleted successfully"`},
	})
}

// testShutdown ends the agent by its own route: the answer comes first, then an orderly end.
func testShutdown(t *testing.T, s *suite) {
	s.run(t, []probe{{method: http.MethodPut, path: "/agent/shutdown", status: 200, exact: `"Agent Shutdown initiated"`}})
	code, err := s.process.Wait()
	if err != nil || code != 0 {
		t.Errorf("after a shutdown the exit code is %d (%v), want 0", code, err)
	}
	if strings.Contains(s.process.Log(), "panic") {
		t.Errorf("the log tells of a panic:\n%s", s.process.Log())
	}
}
