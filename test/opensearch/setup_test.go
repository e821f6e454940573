package opensearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// gustyctl installs the templates in a real node, which gives fields their types from the first
// document on; the check finds the whole way good, and says where it ends and what to do when the
// node is gone.
func TestSetupAndCheck(t *testing.T) {
	n := node.StartT(t, node.Options{})
	gustyctl := buildClient(t)
	process, client := startShipping(t, n.URL, "rust_agent_health_discovery_test")
	run := func(args ...string) (string, int) {
		command := exec.CommandContext(t.Context(), gustyctl,
			append([]string{"--data-dir", process.Dir}, args...)...)
		command.Env = append(os.Environ(), "HOME="+process.Dir)
		out, err := command.CombinedOutput()
		exit, failed := errors.AsType[*exec.ExitError](err)
		if err != nil && !failed {
			t.Fatal(err)
		}
		if failed {
			return string(out), exit.ExitCode()
		}
		return string(out), 0
	}
	out, code := run("opensearch", "setup")
	if code != 0 || !strings.Contains(out, "index template gusty-health-discovery: installed") ||
		!strings.Contains(out, "this cluster has no such plugin") {
		t.Fatalf("setup exits with %d: %s", code, out)
	}
	if out, code = run("opensearch", "check"); code != 0 ||
		!strings.Contains(out, "test document") || strings.Contains(out, "FAULT") {
		t.Errorf("check exits with %d: %s", code, out)
	}
	beat(t, client, "one")
	drained(t, client)
	requireTypes(t, n, "rust_agent_health_discovery_test", map[string]string{
		"hostname":  "keyword",
		"timestamp": "date",
		"sequence":  "long",
		"pid":       "long",
	})
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the check says that nobody listens", func() error {
		// a killed node may take connections for a moment
		if out, code = run("opensearch", "check"); code != 1 ||
			!strings.Contains(out, "FAULT  TCP") || !strings.Contains(out, "-> ") {
			return fmt.Errorf("it exits with %d: %s", code, out)
		}
		return nil
	})
}

func requireTypes(t *testing.T, n *node.Node, index string, want map[string]string) {
	t.Helper()
	var mappings map[string]struct {
		Mappings struct {
			Properties map[string]struct {
				Type string `json:"type"`
			} `json:"properties"`
		} `json:"mappings"`
	}
	if err := json.Unmarshal(n.DoT(t, http.MethodGet, "/"+index+"/_mapping", ""),
		&mappings); err != nil {
		t.Fatal(err)
	}
	for field, kind := range want {
		if got := mappings[index].Mappings.Properties[field].Type; got != kind {
			t.Errorf("the field %s is a %q, not a %s", field, got, kind)
		}
	}
}

func buildClient(t *testing.T) string {
	t.Helper()
	root, err := agent.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gustyctl")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/gustyctl")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building gustyctl: %v\n%s", err, out)
	}
	return path
}
