package contract

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"gusty/test/agent"
)

// TestWhatAJobRemembers kills an agent and starts it again: a job of @reboot has run in this boot,
// one of @every goes on counting from where it did, and a paused one stays paused.
func TestWhatAJobRemembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startSuite(t, dir)
	for name, expression := range map[string]string{
		"boot":   "@reboot",
		"every":  "@every 3s",
		"paused": "* * * * * *",
	} {
		s.ask(t, probe{
			method: http.MethodPost,
			path:   "/agent/job",
			body:   agent.JobBody(name, expression, "exit 0"),
			status: 200,
		})
	}
	succeeded := func(name string) []run {
		return get[page](t, s, "/agent/runs?state=succeeded&script_name="+
			url.QueryEscape(name)).Items
	}
	eventually(t, "each job has fired", func() bool {
		return len(succeeded("every")) > 0 && len(succeeded("paused")) > 0
	})
	s.ask(t, probe{
		method: http.MethodPut,
		path:   "/agent/job/pause?script_name=paused",
		status: 200,
	})
	first := succeeded("every")[0]
	for range 2 {
		if err := s.process.Kill(); err != nil {
			t.Fatal(err)
		}
		s = startSuite(t, dir)
	}
	before := len(succeeded("every"))
	eventually(t, "the job of @every fires again", func() bool {
		return len(succeeded("every")) > before
	})
	if apart := succeeded("every")[0].DueAt.Sub(*first.DueAt); apart%(3*time.Second) != 0 {
		t.Errorf("@every 3s fired %s after the first time", apart)
	}
	if n := len(get[page](t, s, "/agent/runs?script_name=boot").Items); n != 1 {
		t.Errorf("the job of @reboot has %d runs in this boot, want 1", n)
	}
	s.ask(t, probe{
		method: http.MethodGet,
		path:   "/agent/job/state?script_name=paused",
		status: 200,
		check:  checkPaused(true),
	})
}

func startSuite(t *testing.T, dir string) *suite {
	t.Helper()
	process := agent.StartT(t, dir)
	client := process.ClientT(t)
	return &suite{process: process, client: client, document: loadDocument(t, client)}
}
