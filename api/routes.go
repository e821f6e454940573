package api

import (
	"net/http"

	"gusty/messages"
)

const (
	get    = http.MethodGet
	put    = http.MethodPut
	post   = http.MethodPost
	remove = http.MethodDelete
)

// Routes returns the route table: every route that the server answers, in the order in which the
// documentation shows them.
func Routes() []Route {
	var all []Route
	for _, part := range [][]Route{
		agentRoutes(), configRoutes(), jobRoutes(), executeRoutes(),
		runRoutes(), storeRoutes(), rotateRoutes(), transferRoutes(), observeRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

// answers is a 200 with a JSON body of body's type.
func answers(body any) []Answer { return []Answer{{Status: http.StatusOK, Body: body}} }

func agentRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/status", Scope: messages.ScopeRead, handle: getStatus,
			Summary: "Whether the agent runs", Answers: answers(""),
		},
		{
			Method: get, Path: "/agent/pid", Scope: messages.ScopeRead, handle: getPID,
			Summary: "The agent's process id", Answers: answers(0),
		},
		{
			Method: get, Path: "/agent/metric", Scope: messages.ScopeRead, handle: getMetric,
			Summary: "The figures of the host and the agent", Answers: answers(metricAnswer{}),
		},
		{
			Method: get, Path: "/agent/info", Scope: messages.ScopeRead, handle: getInfo,
			gathers: true,
			Summary: "Everything about the agent at once", Answers: answers(infoAnswer{}),
		},
		{
			Method: post, Path: "/agent/heartbeat", Scope: messages.ScopeAgent,
			handle:  postHeartbeat,
			Summary: "Queue a heartbeat document", Body: heartbeatRequest{},
			Answers: answers(execAnswer{}),
		},
		{
			Method: get, Path: "/agent/version", Scope: messages.ScopeRead, handle: getVersion,
			Summary: "The version of the running build", Answers: answers(versionAnswer{}),
		},
		{
			Method: put, Path: "/agent/version", Scope: messages.ScopeAgent, handle: putVersion,
			Summary: "Update to a release", Body: versionRequest{}, Answers: answers(""),
			Errors: []int{http.StatusConflict},
		},
		{
			Method: get, Path: "/agent/version/list", Scope: messages.ScopeRead,
			handle:  listVersions,
			Summary: "The releases on offer", Answers: answers([]string{}),
			Errors: []int{http.StatusConflict},
		},
		{
			Method: put, Path: "/agent/userpassword/update", Scope: messages.ScopeUsers,
			handle:  putPassword,
			Summary: "Set a user's password", Body: passwordRequest{},
			Answers: answers(execAnswer{}), Errors: []int{http.StatusNotFound},
		},
		{
			Method: put, Path: "/agent/shutdown", Scope: messages.ScopeAgent, handle: putShutdown,
			Summary: "Stop the agent in order", Answers: answers(""),
		},
		{
			Method: put, Path: "/agent/restart", Scope: messages.ScopeAgent, handle: putRestart,
			Summary: "Restart the actors and reload all state", Answers: answers(""),
		},
	}
}

func configRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/config", Scope: messages.ScopeRead, handle: getConfig,
			Summary: "The configuration", Answers: answers(configAnswer{}),
		},
		{
			Method: put, Path: "/agent/config", Scope: messages.ScopeConfig, handle: putConfig,
			Summary: "Set parameters, all or none", Body: []propertyRow{},
			Answers: answers(execAnswer{}),
		},
		{
			Method: put, Path: "/agent/config/auto_upgrade", Scope: messages.ScopeConfig,
			handle:  putAutoUpgrade,
			Summary: "Switch automatic updates", Body: autoUpgradeRequest{},
			Answers: answers(execAnswer{}),
		},
	}
}

// scriptName is the parameter that names a stored job.
func scriptName(required bool) Parameter {
	return Parameter{
		Name:     "script_name",
		Kind:     NameParameter,
		Required: required,
		Doc:      "The name of a stored job",
	}
}

func jobRoutes() []Route {
	one := []Parameter{scriptName(true)}
	name := scriptName(false)
	name.Name = "name"
	namesOrJob := answers(anyOf{[]string{}, jobAnswer{}})
	missing, taken := []int{http.StatusNotFound}, []int{http.StatusConflict}
	return []Route{
		{
			Method: get, Path: "/agent/jobs", Scope: messages.ScopeRead, handle: listJobs,
			Query:   []Parameter{name},
			gathers: true,
			Summary: "The names of all jobs, or one job", Answers: namesOrJob, Errors: missing,
		},
		{
			Method: get, Path: "/agent/job", Scope: messages.ScopeRead, handle: getJobByScriptName,
			Query:   []Parameter{scriptName(false)},
			gathers: true,
			Summary: "The names of all jobs, or one job", Answers: namesOrJob, Errors: missing,
		},
		{
			Method: post, Path: "/agent/job", Scope: messages.ScopeJobs, handle: postJob,
			script:  true,
			Summary: "Store a new job", Body: storeRequest{}, Answers: answers(savedAnswer{}),
			Errors: taken,
		},
		{
			Method: put, Path: "/agent/job", Scope: messages.ScopeJobs, handle: putJob,
			script:  true,
			Summary: "Replace a stored job", Body: storeRequest{}, Answers: answers(savedAnswer{}),
			Errors: missing,
		},
		{
			Method: post, Path: "/agent/job/check", Added: true, Scope: messages.ScopeJobs,
			handle: checkJob, script: true,
			Summary: "Whether a job would be stored and what would change; changes nothing",
			Body:    storeRequest{}, Answers: answers(checkedAnswer{}),
		},
		{
			Method: remove, Path: "/agent/job", Scope: messages.ScopeJobs, handle: deleteJob,
			Query:   one,
			Summary: "Delete a job", Answers: answers(""), Errors: missing,
		},
		{
			Method: put, Path: "/agent/jobs/start", Scope: messages.ScopeJobs, handle: startJobs,
			Summary: "Resume all scheduled firing", Answers: answers(""),
		},
		{
			Method: put, Path: "/agent/jobs/stop", Scope: messages.ScopeJobs, handle: stopJobs,
			Summary: "Pause all scheduled firing", Answers: answers(""),
		},
		{
			Method: get, Path: "/agent/job/preview", Added: true, Scope: messages.ScopeRead,
			handle: previewJob, Query: previewParameters(),
			Summary: "What a cron expression means", Answers: answers(previewAnswer{}),
		},
		{
			Method: get, Path: "/agent/job/state", Added: true, Scope: messages.ScopeRead,
			handle: getJobState, Query: one,
			Summary: "How a job stands", Answers: answers(standingAnswer{}), Errors: missing,
		},
		{
			Method: put, Path: "/agent/job/pause", Added: true, Scope: messages.ScopeJobs,
			handle: pauseJob, Query: one,
			Summary: "Pause one job", Answers: answers(standingAnswer{}), Errors: missing,
		},
		{
			Method: put, Path: "/agent/job/resume", Added: true, Scope: messages.ScopeJobs,
			handle: resumeJob, Query: one,
			Summary: "Resume one job and lift its quarantine", Answers: answers(standingAnswer{}),
			Errors: missing,
		},
		{
			Method: post, Path: "/agent/job/run", Added: true, Scope: messages.ScopeJobs,
			handle: runJob, Query: one,
			Summary: "Run a stored job now",
			Errors:  []int{http.StatusNotFound, http.StatusConflict},
			Answers: []Answer{{
				Status: http.StatusAccepted,
				Body:   runAnswer{},
				Doc:    "The run is recorded and will start",
			}},
		},
	}
}

func previewParameters() []Parameter {
	return []Parameter{
		{
			Name:     "cron_expression",
			Kind:     TextParameter,
			Required: true,
			Most:     messages.MaxCronBytes,
			Doc:      "The expression",
		},
		{
			Name: "time_zone",
			Kind: TextParameter,
			Most: 255,
			Doc:  "An IANA name; default: the host's",
		},
		{Name: "from", Kind: TimeParameter, Doc: "Default: now"},
		{
			Name:    "count",
			Kind:    IntegerParameter,
			Least:   1,
			Most:    1000,
			Default: "5",
			Doc:     "How many firings",
		},
	}
}

func executeRoutes() []Route {
	return []Route{
		{
			Method: post, Path: "/agent/command/execute", Scope: messages.ScopeExecute,
			handle: executeCommand, script: true,
			Summary: "Run a command line", Body: commandRequest{},
			Answers: answers(executedAnswer{}), Errors: []int{http.StatusConflict},
		},
		{
			Method: post, Path: "/agent/job/execute", Scope: messages.ScopeExecute,
			handle: executeScript, script: true,
			Summary: "Run a script without storing it", Body: executeRequest{},
			Answers: answers(anyOf{executedAnswer{}, startedAnswer{}}),
			Errors:  []int{http.StatusConflict},
		},
	}
}

func runRoutes() []Route {
	missing := []int{http.StatusNotFound}
	return []Route{
		{
			Method: get, Path: "/agent/runs", Added: true, Scope: messages.ScopeRead,
			handle: listRuns, Query: runParameters(),
			gathers: true,
			Summary: "Runs, newest first", Answers: answers(runPage{}),
		},
		{
			Method: get, Path: "/agent/runs/{run_id}", Added: true, Scope: messages.ScopeRead,
			handle:  getRun,
			Summary: "One run", Answers: answers(runAnswer{}), Errors: missing,
		},
		{
			Method: get, Path: "/agent/runs/{run_id}/output", Added: true,
			Scope: messages.ScopeRead, handle: getOutput, streams: true,
			Query: outputParameters(), Summary: "What a run printed, in order of arrival",
			Errors: missing,
			Answers: []Answer{
				{
					Status: http.StatusOK,
					Media:  mediaText,
					Body:   "",
					Doc:    "The bytes as they were printed",
				},
				{
					Status: http.StatusOK,
					Media:  mediaNDJSON,
					Body:   outputLine{},
					Doc:    "One object a line",
				},
			},
		},
		{
			Method: post, Path: "/agent/runs/{run_id}/cancel", Added: true,
			Scope: messages.ScopeJobs, handle: cancelRun,
			Summary: "End a run and all its processes", Answers: answers(runAnswer{}),
			Errors: []int{http.StatusNotFound, http.StatusConflict},
		},
	}
}

func runParameters() []Parameter {
	var states []string
	for _, state := range messages.RunStates() {
		states = append(states, string(state))
	}
	return append([]Parameter{
		scriptName(false),
		{Name: "state", Kind: ChoiceParameter, Choices: states, Doc: "Only runs in this state"},
	}, pageParameters()...)
}

// pageParameters are those of every list.
func pageParameters() []Parameter {
	return []Parameter{
		{
			Name:    "limit",
			Kind:    IntegerParameter,
			Least:   1,
			Most:    1000,
			Default: "100",
			Doc:     "How many at most",
		},
		{Name: "before", Kind: IDParameter, Doc: "Only those older than this one"},
	}
}

func outputParameters() []Parameter {
	return []Parameter{
		{
			Name:    "stream",
			Kind:    ChoiceParameter,
			Choices: []string{"stdout", "stderr", "all"},
			Default: "all",
			Doc:     "Which of the two streams",
		},
		{
			Name:    "format",
			Kind:    ChoiceParameter,
			Choices: []string{"text", "ndjson"},
			Default: "text",
			Doc:     "The bytes, or who printed what when",
		},
		{
			Name: "follow", Kind: BooleanParameter, Default: "false",
			Doc: "Whether the answer goes on with what the run prints, to its end; with ndjson, " +
				"a blank line comes every 15 s in which nothing is printed",
		},
	}
}

func storeRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/backup", Added: true, Scope: messages.ScopeStore,
			handle: getBackup, streams: true,
			Summary: "A consistent, still sealed copy of the database and the output files",
			Answers: []Answer{{
				Status: http.StatusOK, Media: mediaTar, Body: "",
				Doc: "A tar archive with manifest.json: size and SHA-256 of each file; its own " +
					"is in manifest.sha256",
			}},
		},
	}
}

func observeRoutes() []Route {
	return []Route{
		{
			Method: get, Path: "/agent/outbox", Added: true, Scope: messages.ScopeRead,
			handle:  getOutbox,
			Summary: "What waits for OpenSearch", Answers: answers(outboxAnswer{}),
		},
		{
			Method: get, Path: "/agent/outbox/dead", Added: true, Scope: messages.ScopeRead,
			handle: listDead, Query: pageParameters(),
			gathers: true,
			Summary: "Documents that OpenSearch refused, newest first",
			Answers: answers(deadPage{}),
		},
		{
			Method: post, Path: "/agent/outbox/dead/{id}/retry", Added: true,
			Scope: messages.ScopeAgent, handle: retryDead,
			Summary: "Send a refused document again", Answers: answers(execAnswer{}),
			Errors: []int{http.StatusNotFound},
		},
		{
			Method: remove, Path: "/agent/outbox/dead/{id}", Added: true,
			Scope: messages.ScopeAgent, handle: deleteDead,
			Summary: "Delete a refused document", Answers: answers(execAnswer{}),
			Errors: []int{http.StatusNotFound},
		},
		{
			Method: post, Path: "/agent/opensearch/check", Added: true, Scope: messages.ScopeAgent,
			handle:  checkOpenSearch,
			Summary: "Go the way to OpenSearch step by step", Answers: answers(checkAnswer{}),
			Errors: []int{http.StatusConflict},
		},
		{
			Method: get, Path: "/agent/health/live", Added: true, Open: true, handle: getLive,
			Summary: "Whether the process answers", Answers: answers(liveAnswer{}),
		},
		{
			Method: get, Path: "/agent/health/ready", Added: true, Open: true, handle: getReady,
			Summary: "Whether every actor is up and runs can be started",
			Answers: []Answer{
				{
					Status: http.StatusOK,
					Body:   readyAnswer{},
					Doc:    "Every actor is up; degraded while the disk takes no writes",
				},
				{
					Status: http.StatusServiceUnavailable,
					Body:   anyOf{readyAnswer{}, errorBody{}},
					Doc: "Not every actor is up, or the host lets no run start (run_starts is " +
						"failing)",
				},
			},
		},
		{
			Method: get, Path: "/agent/openapi.json", Added: true, Scope: messages.ScopeRead,
			handle:  getOpenAPI,
			gathers: true,
			Summary: "This document", Answers: answers(map[string]any{}),
		},
		{
			Method: get, Path: "/metrics", Added: true, Scope: messages.ScopeRead,
			handle: getMetrics, Summary: "Counters and gauges for Prometheus",
			gathers: true,
			Answers: []Answer{{Status: http.StatusOK, Media: mediaPrometheus, Body: ""}},
		},
	}
}
