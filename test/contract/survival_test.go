package contract

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gusty/test/agent"
)

// TestSurvival changes every kind of state, ends the agent in order and by a crash, and finds all
// of it again.
func TestSurvival(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	process := agent.StartT(t, dir)
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	id := s.startRun(t, "remembered", "echo once")
	s.awaitRun(t, id, "succeeded")
	for _, p := range []probe{
		{method: http.MethodPut, path: "/agent/config", body: property("agent_id", "4711"), status: 200},
		{method: http.MethodPut, path: "/agent/jobs/stop", status: 200},
		{method: http.MethodPut, path: "/agent/job/pause?script_name=remembered", status: 200},
		{method: http.MethodPut, path: "/agent/userpassword/update", body: `{"name":"Admin","pass":"remembered too"}`, status: 200},
	} {
		s.ask(t, p)
	}
	s.client.Credentials.Password = "remembered too"
	for _, end := range []struct {
		name string
		how  func() error
	}{
		{"SIGTERM", func() error { _, err := s.process.Stop(); return err }},
		{"SIGKILL", func() error { return s.process.Kill() }},
	} {
		t.Run(end.name, func(t *testing.T) {
			if err := end.how(); err != nil {
				t.Fatal(err)
			}
			s.process = startAgain(t, dir)
			s.client.URL = s.process.URL
			s.requireRemembered(t, id)
		})
	}
	if err := s.process.Kill(); err != nil {
		t.Error(err)
	}
}

// startAgain starts an agent that outlives the subtest.
func startAgain(t *testing.T, dir string) *agent.Process {
	t.Helper()
	process, err := agent.Start(t.Context(), agent.Options{
		Binary: os.Getenv(agent.BinaryVariable),
		Dir:    dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	return process
}

func (s *suite) requireRemembered(t *testing.T, run string) {
	t.Helper()
	s.run(t, []probe{
		{name: "job", method: http.MethodGet, path: "/agent/jobs?name=remembered", status: 200, check: checkJob("echo once")},
		{name: "pause", method: http.MethodGet, path: "/agent/job/state?script_name=remembered", status: 200, check: checkPaused(true)},
		{name: "output", method: http.MethodGet, path: "/agent/runs/" + run + "/output", status: 200, exact: "once"},
		{name: "the new password only", method: http.MethodGet, path: "/agent/status", header: basic("Admin", "another"), status: 401},
	})
	if got := get[shownConfig](t, s, "/agent/config").AgentID; got != 4711 {
		t.Errorf("agent_id is %d, want 4711", got)
	}
	if _, err := os.Stat(filepath.Join(s.process.Dir, "admin-password")); !os.IsNotExist(err) {
		t.Errorf("a new start must not make another admin-password: %v", err)
	}
}

// TestSecrecy uses names and secrets that stand nowhere else, crashes the agent, and searches the
// database and the log for them.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	process := agent.StartT(t, t.TempDir(), "--log-level", "debug")
	client := process.ClientT(t)
	s := &suite{process: process, client: client, document: loadDocument(t, client)}
	secrets := []string{
		"Zq7secretpass", "Zq7scriptline", "Zq7variable", "Zq7password",
		"Zq7commandline", s.client.Credentials.Password,
	}
	names := []string{
		"Zq7jobname", "Zq7user", "Zq7host.example", "Zq7index",
		"opensearch_user_pass", "Admin",
	}
	for _, p := range []probe{
		{method: http.MethodPost, path: "/agent/job", body: jobWith(t, names[0], map[string]any{
			"cron_expression": "* * * * * *", "opensearch_index": strings.ToLower(names[3]), "arguments": secrets[1],
			"environment": map[string]string{"ZQ7": secrets[2]}, "content": "echo " + secrets[1], "content_encoding": "plain",
		}), status: 200},
		{method: http.MethodPut, path: "/agent/config", body: property("opensearch_user_name", names[1],
			"opensearch_user_pass", secrets[0], "opensearch_domain_endpoint", "https://"+names[2]), status: 200},
		{method: http.MethodPost, path: "/agent/command/execute", body: command("echo " + secrets[4]), status: 200},
		{method: http.MethodPut, path: "/agent/userpassword/update", body: `{"name":"Admin","pass":"` + secrets[3] + `"}`, status: 200},
	} {
		s.ask(t, p)
	}
	s.client.Credentials.Password = secrets[3]
	eventually(t, "a firing of the job", func() bool {
		return len(get[page](t, s, "/agent/runs?state=succeeded&script_name="+
			url.QueryEscape(names[0])).Items) > 0
	})
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	requireAbsent(t, "the log", []byte(process.Log()), secrets)
	for _, file := range filesBelow(t, process.Dir) {
		if strings.HasPrefix(filepath.Base(file), "gusty.db") || strings.Contains(file, "output") {
			requireAbsent(t, file, read(t, "", file), append(secrets, names...))
		}
	}
}

func requireAbsent(t *testing.T, where string, data []byte, words []string) {
	t.Helper()
	folded := bytes.ToLower(data)
	for _, word := range words {
		if bytes.Contains(folded, bytes.ToLower([]byte(word))) {
			t.Errorf("%s holds %q in clear", where, word)
		}
	}
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
