package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/deploy/opensearch"
	"gusty/messages"
)

const setupHelp = `Install the composable index templates of application logs and health documents in OpenSearch, and an example of an index
state management policy where that plugin is there.

gustyctl speaks to OpenSearch itself, as a user who may install templates; the agent's own user needs no such permission. The endpoint is the
agent's, unless --endpoint names one. The password is asked for on a terminal, or comes from --opensearch-password-file.`

// setup is what installs the templates.
type setup struct {
	app          *app
	endpoint     string
	user         string
	passwordFile string
	ca           string
	fingerprint  string
	logs         []string
	health       []string
	stream       bool
	policy       bool

	password messages.Secret
	http     *http.Client
}

func (a *app) openSearchSetupCommand() *cobra.Command {
	s := &setup{app: a}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Install the index templates in OpenSearch",
		Long:  setupHelp,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.endpoint, "endpoint", "", "`address` of OpenSearch (default: the agent's)")
	flags.StringVar(&s.user, "opensearch-user", "",
		"`name` of a user of OpenSearch who may install templates (default: none)")
	flags.StringVar(&s.passwordFile, "opensearch-password-file", "",
		"`file` whose first line is that user's password, - for standard input")
	flags.StringVar(&s.ca, "opensearch-ca", "",
		"PEM `file` with the CA of OpenSearch's certificate")
	flags.StringVar(&s.fingerprint, "opensearch-fingerprint", "",
		"SHA-256 `fingerprint` of OpenSearch's own certificate, in hex")
	flags.StringSliceVar(&s.logs, "log-index", nil, "index `patterns` of application logs and "+
		"job output (default rust_agent_application_logs*)")
	flags.StringSliceVar(&s.health, "health-index", nil,
		"index `patterns` of health documents (default rust_agent_health_discovery*)")
	flags.BoolVar(&s.stream, "data-stream", false,
		"make data streams of them, with timestamp as their time field")
	flags.BoolVar(&s.policy, "policy", true,
		"install the index state management policy, where that plugin is there")
	return cmd
}

func (s *setup) run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for _, t := range []struct {
		name     string
		template []byte
		patterns []string
	}{
		{"gusty-application-logs", opensearch.LogsTemplate, s.logs},
		{"gusty-health-discovery", opensearch.HealthTemplate, s.health},
	} {
		body, err := s.template(t.template, t.patterns)
		if err != nil {
			return err
		}
		if err := s.put(ctx, "/_index_template/"+t.name, body); err != nil {
			return err
		}
		if err := s.app.printLine("index template " + t.name + ": installed"); err != nil {
			return err
		}
	}
	if !s.policy {
		return nil
	}
	return s.putPolicy(ctx)
}

// prepare finds the endpoint and the password, and whom to trust.
func (s *setup) prepare(ctx context.Context) error {
	if s.endpoint == "" {
		if err := s.askAgent(ctx); err != nil {
			return err
		}
	}
	s.endpoint = strings.TrimRight(strings.TrimSpace(s.endpoint), "/")
	if !strings.HasPrefix(s.endpoint, "https://") && !strings.HasPrefix(s.endpoint, "http://") {
		return exit.Usagef("the endpoint %q needs to begin with https:// or http://", s.endpoint)
	}
	trusted, err := loadTrust(s.ca, s.fingerprint)
	if err != nil {
		return err
	}
	s.http = &http.Client{
		Timeout: requestTimeout, CheckRedirect: refuseRedirect,
		Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			DialContext:     (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSClientConfig: trusted.config(), TLSHandshakeTimeout: connectTimeout,
		},
	}
	return s.login(ctx)
}

// askAgent takes the first endpoint of the agent.
func (s *setup) askAgent(ctx context.Context) error {
	got, err := s.app.call(ctx, get(configPath))
	if err != nil {
		return err
	}
	var config struct {
		Endpoint string `json:"opensearch_non_prod_domain_endpoint"`
	}
	if err := got.decode(&config); err != nil {
		return err
	}
	s.endpoint, _, _ = strings.Cut(config.Endpoint, ",")
	if s.endpoint == "" {
		return exit.Usagef("the agent has no endpoint yet; name one with --endpoint, or set it: gustyctl config set %s=https://…", messages.ParamEndpoint)
	}
	return nil
}

func (s *setup) login(ctx context.Context) (err error) {
	switch {
	case s.user == "":
		return nil
	case s.passwordFile == "":
		s.password, err = s.app.askPassword(ctx, "Password of "+s.user+" at "+s.endpoint+": ")
	case s.passwordFile == "-":
		s.password, err = s.app.readPassword(s.app.in, "standard input")
	default:
		f, openErr := os.Open(s.passwordFile)
		if openErr != nil {
			return exit.Usagef("cannot read the password file: %w", openErr)
		}
		defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
		s.password, err = s.app.readPassword(f, s.passwordFile)
	}
	return err
}

// template puts the patterns into a template, and makes it one of data streams.
func (s *setup) template(text []byte, patterns []string) ([]byte, error) {
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, exit.Failedf("a template of this gustyctl is not JSON: %w", err)
	}
	if len(patterns) > 0 {
		template["index_patterns"] = patterns
	}
	if s.stream {
		template["data_stream"] = map[string]any{
			"timestamp_field": map[string]string{"name": "timestamp"},
		}
	}
	return json.Marshal(template)
}

// putPolicy installs the policy; a cluster without the plugin is none the worse.
func (s *setup) putPolicy(ctx context.Context) error {
	name, policy := "gusty", opensearch.Policy
	if s.stream {
		name, policy = "gusty-streams", opensearch.StreamPolicy
	}
	policy, err := s.policyFor(policy)
	if err != nil {
		return err
	}
	told := "index state management policy " + name + ": "
	status, body, err := s.send(ctx, http.MethodPut, "/_plugins/_ism/policies/"+name, policy)
	switch {
	case err != nil:
		return err
	case status < http.StatusMultipleChoices:
		return s.app.printLine(told + "installed" + s.elsewhere())
	case status == http.StatusConflict:
		return s.app.printLine(told + "there already, left as it is")
	case status == http.StatusBadRequest && bytes.Contains(body, []byte("no handler found")),
		status == http.StatusNotFound:
		return s.app.printLine(told + "not installed, this cluster has no such plugin")
	default:
		return s.refused("the policy", status, body)
	}
}

// elsewhere says that the policy of indices does not cover the patterns that were given.
func (s *setup) elsewhere() string {
	if s.stream || len(s.logs)+len(s.health) == 0 {
		return ""
	}
	return "; it covers rust_agent_application_logs*-* and rust_agent_health_discovery*-* alone: " +
		"where your own indices have a date in their names, " +
		"add their patterns to its ism_template"
}

// policyFor puts the patterns of data streams into a policy. Those of indices are not taken over:
// one that has no date in its name would be deleted with all that is written into it.
func (s *setup) policyFor(text []byte) ([]byte, error) {
	if !s.stream || len(s.logs)+len(s.health) == 0 {
		return text, nil
	}
	var policy struct {
		Policy map[string]any `json:"policy"`
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		return nil, exit.Failedf("a policy of this gustyctl is not JSON: %w", err)
	}
	logs, health := s.logs, s.health
	if len(logs) == 0 {
		logs = []string{"rust_agent_application_logs*"}
	}
	if len(health) == 0 {
		health = []string{"rust_agent_health_discovery*"}
	}
	policy.Policy["ism_template"] = []any{map[string]any{
		"index_patterns": slices.Concat(logs, health),
		"priority":       100,
	}}
	return json.Marshal(policy)
}

func (s *setup) put(ctx context.Context, path string, body []byte) error {
	status, answer, err := s.send(ctx, http.MethodPut, path, body)
	if err != nil {
		return err
	}
	if status >= http.StatusMultipleChoices {
		return s.refused(path, status, answer)
	}
	return nil
}

func (s *setup) refused(what string, status int, body []byte) error {
	advice := ""
	switch status {
	case http.StatusUnauthorized:
		advice = "; check --opensearch-user and the password"
	case http.StatusForbidden:
		advice = "; the user needs the cluster permission to put index templates"
	}
	return &exit.Error{
		Code: refusalExit(status),
		Text: fmt.Sprintf("%s answered %d to %s: %.300s%s", s.endpoint, status, what, body, advice),
	}
}

func (s *setup) send(ctx context.Context, method, path string, body []byte) (status int,
	answer []byte, err error,
) {
	req, err := http.NewRequestWithContext(ctx, method, s.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, exit.Usagef("the endpoint %q cannot be used: %w", s.endpoint, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password.Reveal())
	}
	response, err := s.http.Do(req)
	if err != nil {
		return 0, nil, exit.Unreachablef("cannot reach OpenSearch: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	answer, err = io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return 0, nil, exit.Unreachablef("cannot read OpenSearch's answer: %w", err)
	}
	return response.StatusCode, answer, nil
}
