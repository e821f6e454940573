package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// Data streams get the policy that rolls over, for the patterns that are theirs; indices keep to
// those that have a date.
func TestSetupInstallsThePolicyThatFits(t *testing.T) {
	for _, c := range []struct {
		stream   bool
		logs     []string
		path     string
		patterns []string
		told     string
	}{
		{false, nil, "/_plugins/_ism/policies/gusty", []string{"rust_agent_application_logs*-*", "rust_agent_health_discovery*-*"}, ": installed\n"},
		{
			false,
			[]string{"my-logs*"},
			"/_plugins/_ism/policies/gusty",
			[]string{"rust_agent_application_logs*-*", "rust_agent_health_discovery*-*"},
			"add their patterns to its ism_template\n",
		},
		{true, nil, "/_plugins/_ism/policies/gusty-streams", []string{"rust_agent_application_logs*", "rust_agent_health_discovery*"}, ": installed\n"},
		{true, []string{"my-logs*"}, "/_plugins/_ism/policies/gusty-streams", []string{"my-logs*", "rust_agent_health_discovery*"}, ": installed\n"},
	} {
		var path string
		var body []byte
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			body, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusCreated)
		}))
		var out bytes.Buffer
		s := &setup{
			app:      &app{out: &out},
			endpoint: server.URL,
			http:     server.Client(),
			stream:   c.stream,
			logs:     c.logs,
		}
		err := s.putPolicy(t.Context())
		server.Close()
		var got struct {
			Policy struct {
				States   []any `json:"states"`
				Template []struct {
					Patterns []string `json:"index_patterns"`
				} `json:"ism_template"`
			} `json:"policy"`
		}
		if err != nil || json.Unmarshal(body, &got) != nil || path != c.path ||
			!strings.HasSuffix(out.String(), c.told) {
			t.Fatalf("%v, to %s went %s; it said %q", err, path, body, out.String())
		}
		if len(got.Policy.States) != 2 ||
			!reflect.DeepEqual(got.Policy.Template[0].Patterns, c.patterns) {
			t.Errorf("%+v: the policy is %s", c, body)
		}
		if c.stream != bytes.Contains(body, []byte("rollover")) {
			t.Errorf("%+v: it rolls over where it should not, or does not", c)
		}
	}
}
