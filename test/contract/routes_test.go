package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// routes lists every route that the agent has to have, by method and path.
func routes() []string {
	return []string{
		"GET /agent/status", "GET /agent/pid", "GET /agent/metric", "GET /agent/info",
		"GET /agent/config", "PUT /agent/config",
		"PUT /agent/config/auto_upgrade", "POST /agent/heartbeat", "POST /agent/command/execute",
		"GET /agent/jobs", "GET /agent/job",
		"POST /agent/job", "PUT /agent/job", "DELETE /agent/job", "POST /agent/job/execute",
		"PUT /agent/jobs/start",
		"PUT /agent/jobs/stop", "GET /agent/version", "PUT /agent/version",
		"GET /agent/version/list",
		"PUT /agent/userpassword/update", "PUT /agent/shutdown", "PUT /agent/restart",

		"GET /agent/health/live", "GET /agent/health/ready", "GET /metrics",
		"GET /agent/openapi.json", "GET /agent/job/preview",
		"POST /agent/job/check", "POST /agent/job/run", "GET /agent/job/state",
		"PUT /agent/job/pause", "PUT /agent/job/resume", "GET /agent/runs",
		"GET /agent/runs/{run_id}", "GET /agent/runs/{run_id}/output",
		"POST /agent/runs/{run_id}/cancel", "GET /agent/outbox",
		"GET /agent/backup", "GET /agent/export", "POST /agent/import", "GET /agent/store/rotate",
		"POST /agent/store/rotate",
		"GET /agent/outbox/dead", "POST /agent/outbox/dead/{id}/retry",
		"DELETE /agent/outbox/dead/{id}", "POST /agent/opensearch/check",
	}
}

// TestRoutes asks one agent everything, resource by resource, and at the end looks whether anything
// was left out.
func TestRoutes(t *testing.T) {
	s := newSuite(t)
	for _, resource := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"agent", testAgent},
		{"config", testConfig},
		{"jobs", testJobs},
		{"job options", testJobOptions},
		{"plan", testPlan},
		{"execute", testExecute},
		{"runs", testRuns},
		{"backup", testBackup},
		{"transfer", testTransfer},
		{"rotate", testRotate},
		{"outbox", testOutbox},
		{"limits", testLimits},
		{"methods", testMethods},
		{"restart", testRestart},
		{"access", testAccess},
		{"shutdown", testShutdown}, // ends the agent: last
	} {
		t.Run(resource.name, func(t *testing.T) { resource.test(t, s) })
	}
	t.Run("coverage", func(t *testing.T) { testCoverage(t, s) })
}

func testCoverage(t *testing.T, s *suite) {
	operations := s.document.operations()
	for _, route := range routes() {
		if !slices.Contains(operations, route) {
			t.Errorf("the document lacks %s", route)
		}
	}
	for _, operation := range operations {
		if strings.HasPrefix(operation, http.MethodHead) ||
			strings.HasPrefix(operation, http.MethodOptions) {
			continue
		}
		if !s.document.good[operation] && !alwaysRefuses(operation) {
			t.Errorf("%s was never answered with success", operation)
		}
		if !s.document.bad[operation] && !neverRefuses(operation) {
			t.Errorf("%s was never answered with an error", operation)
		}
	}
}

// alwaysRefuses names the routes that have nothing to offer before a release source can be set.
func alwaysRefuses(operation string) bool {
	return operation == "PUT /agent/version" || operation == "GET /agent/version/list"
}

// neverRefuses names the routes that need no credentials and take no input.
func neverRefuses(operation string) bool {
	return operation == "GET /agent/health/live" || operation == "GET /agent/health/ready"
}
