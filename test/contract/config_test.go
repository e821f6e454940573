package contract

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
)

// property returns a body of PUT /agent/config that sets one parameter for each pair of name and
// value.
func property(pairs ...string) string {
	var body bytes.Buffer
	body.WriteByte('[')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"propertyName":%s,"propertyValue":%s}`, text(pairs[i]), text(pairs[i+1]))
	}
	body.WriteByte(']')
	return body.String()
}

func testConfig(t *testing.T, s *suite) {
	updated := checkExec("Property updated successfully")
	put := func(name, body string, status int) probe {
		return probe{
			name:   name,
			method: http.MethodPut,
			path:   "/agent/config",
			body:   body,
			status: status,
		}
	}
	s.run(t, []probe{
		{method: http.MethodGet, path: "/agent/config", status: 200, check: func(t *testing.T, body []byte) {
			requireShape(t, "the config", body, configShape())
		}},
		{name: "one", method: http.MethodPut, path: "/agent/config", body: property("agent_id", "77"), status: 200, check: updated},
		{
			name: "two", method: http.MethodPut, path: "/agent/config",
			body:   property("agent_id", "78", "opensearch_user_name", "shipper"),
			status: 200, check: updated,
		},
		{name: "none", method: http.MethodPut, path: "/agent/config", body: `[]`, status: 200},
		{name: "true", method: http.MethodPut, path: "/agent/config", body: property("auto_upgrade", "true"), status: 200, check: updated},
		{name: "log level", method: http.MethodPut, path: "/agent/config", body: property("log_level", "debug"), status: 200, check: updated},
		put("unknown name", property("no_such_parameter", "1"), 422),
		put("out of range", property("agent_id", "65536"), 422),
		put("not a number", property("agent_id", "many"), 422),
		put("not a level", property("log_level", "loud"), 422),
		put("closed to REST", property("ip_addr", "127.0.0.1"), 403),
		put("all or nothing", property("agent_id", "79", "log_level", "loud"), 422),
		put("an object", `{"propertyName":"agent_id","propertyValue":"1"}`, 422),
		put("a value that is a number", `[{"propertyName":"agent_id","propertyValue":1}]`, 422),
		put("value missing", `[{"propertyName":"agent_id"}]`, 422),
		put("not JSON", `[{`, 400),

		{
			name: "upgrade off", method: http.MethodPut, path: "/agent/config/auto_upgrade", body: `{"command":false}`,
			status: 200, check: checkExec("Record updated successfully"),
		},
		{name: "upgrade: text", method: http.MethodPut, path: "/agent/config/auto_upgrade", body: `{"command":"no"}`, status: 422, field: "command"},
		{name: "upgrade: missing", method: http.MethodPut, path: "/agent/config/auto_upgrade", body: `{}`, status: 422, field: "command"},
		{name: "upgrade: not JSON", method: http.MethodPut, path: "/agent/config/auto_upgrade", body: `no`, status: 400},
	})
	t.Run("what was set is in force", func(t *testing.T) { testConfigInForce(t, s) })
	t.Run("secrets", func(t *testing.T) { testConfigSecrets(t, s) })
}

type shownConfig struct {
	AgentID     int    `json:"agent_id"`
	AutoUpgrade bool   `json:"auto_upgrade"`
	User        string `json:"opensearch_non_prod_user_name"`
	Pass        string `json:"opensearch_non_prod_pass_word"`
	Port        int    `json:"port"`
}

func testConfigInForce(t *testing.T, s *suite) {
	config := get[shownConfig](t, s, "/agent/config")
	if config.AgentID != 78 || config.AutoUpgrade || config.User != "shipper" ||
		config.Port != s.process.Port {
		t.Errorf("the config is %+v: agent_id 78, no upgrade, user shipper and port %d were set",
			config, s.process.Port)
	}
	local := get[struct {
		Local map[string]any `json:"agent_local_config"`
	}](t, s, "/agent/info").Local
	if _, present := local["agent_id"]; present ||
		local["opensearch_non_prod_user_name"] != "shipper" {
		t.Errorf("agent_local_config holds only what can be modified: %v", local)
	}
}

// testConfigSecrets sets a secret, which comes back as a mask only; writing the mask back changes
// nothing, an empty value takes it away.
func testConfigSecrets(t *testing.T, s *suite) {
	set := func(value string) {
		s.ask(t, probe{
			method: http.MethodPut,
			path:   "/agent/config",
			body:   property("opensearch_user_pass", value),
			status: 200,
		})
	}
	for _, step := range []struct{ value, shown string }{
		{"s3cret-Of-OpenSearch", "********"},
		{"********", "********"},
		{"", ""},
	} {
		set(step.value)
		if got := get[shownConfig](t, s, "/agent/config").Pass; got != step.shown {
			t.Errorf("after %q the password is shown as %q, want %q", step.value, got, step.shown)
		}
	}
}
