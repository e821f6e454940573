package api

import (
	"net/http"
	"os"
	"time"

	"gusty/messages"
)

// execAnswer is the body of most answers that say what was done.
type execAnswer struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

func done(message string) execAnswer { return execAnswer{Success: true, Message: message} }

func getStatus(r *request) error { return r.ok("Running") }

func getPID(r *request) error { return r.ok(os.Getpid()) }

// versionAnswer tells of the build that answers.
type versionAnswer struct {
	Version      string `json:"version"`
	VersionValid bool   `json:"version_valid"` // false for a build that has no version of its own
	BuildDate    string `json:"build_date"`
}

func getVersion(r *request) error {
	build := r.server.options.Build
	return r.ok(versionAnswer{
		Version: build.Version, VersionValid: build.Version != "" && build.Version != "dev",
		BuildDate: build.Date,
	})
}

type versionRequest struct {
	FileNameVersion string `json:"file_name_version"`
}

func listVersions(*request) error { return noReleaseSource() }

func putVersion(r *request) error {
	if err := r.decode(&versionRequest{}); err != nil {
		return err
	}
	return noReleaseSource()
}

func noReleaseSource() error {
	return messages.Errorf(messages.CodeNoReleaseSource,
		"no release source is set up; install another version with the host's own means")
}

type heartbeatRequest struct {
	ID string `json:"id" schema:"maxLength=4096"`
}

func postHeartbeat(r *request) error {
	var in heartbeatRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	if len(in.ID) > messages.MaxFieldBytes {
		return messages.Invalidf("id", "is %d bytes, at most %d are allowed", len(in.ID),
			messages.MaxFieldBytes)
	}
	sent, err := ask[messages.HeartbeatQueued](r, messages.SendHeartbeat{
		ID:     in.ID,
		Origin: r.origin(),
	})
	if err != nil {
		return err
	}
	return r.ok(done(sent.ID))
}

// restartTime is what all actors may take to come back, together.
const restartTime = 30 * time.Second

func putRestart(r *request) error {
	if _, err := askLong[messages.ActorsRestarted](r, messages.RestartActors{Origin: r.origin()},
		restartTime); err != nil {
		return err
	}
	return r.ok("Agent Restarted")
}

func putShutdown(r *request) error {
	if _, err := ask[messages.ShutdownBegun](r, messages.ShutDown{Origin: r.origin()}); err != nil {
		return err
	}
	r.http.SetConnectionClose()
	return r.ok("Agent Shutdown initiated")
}

type liveAnswer struct {
	Status string `json:"status" schema:"const=live"`
}

func getLive(r *request) error { return r.ok(liveAnswer{Status: "live"}) }

// readyAnswer tells which actors are up, and whether runs can be started.
type readyAnswer struct {
	Status     string            `json:"status" schema:"enum=ready|degraded|not_ready"`
	Reason     string            `json:"reason,omitempty"` // why not ready without more
	Components map[string]string `json:"components"`
}

func getReady(r *request) error {
	now, err := ask[messages.Readiness](r, messages.GetReadiness{})
	if err != nil {
		return err
	}
	out := readyAnswer{Status: "ready", Components: now.Components}
	if out.Components == nil {
		out.Components = map[string]string{}
	}
	if now.Ready && now.Degraded != "" {
		out.Status, out.Reason = "degraded", now.Degraded+
			": the disk takes no writes; reads and scheduled runs go on, changes are refused"
	}
	if now.Ready && now.Starts == "" {
		return r.ok(out)
	}
	out.Status, out.Reason = "not_ready", now.Reason
	if now.Ready {
		out.Reason = "runs can't be started: " + now.Starts
	}
	return r.json(http.StatusServiceUnavailable, out)
}
