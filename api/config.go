package api

import (
	"fmt"

	"gusty/messages"
)

// configAnswer is AgentConfig: the keys of the Rust agent, filled from the parameters. Secrets are
// masked.
type configAnswer struct {
	Checksum         string          `json:"cron_agent_checksum"`
	NonProdEndpoint  string          `json:"opensearch_non_prod_domain_endpoint"`
	ProdEndpoint     string          `json:"opensearch_prod_domain_endpoint"`
	ConfigMonitoring string          `json:"cron_agent_config_monitoring"`
	AgentID          int64           `json:"agent_id" schema:"minimum=0,maximum=65535"`
	AllowedPath      string          `json:"script_execution_allowed_path"`
	AutoupgradeCheck string          `json:"cron_agent_autoupgrade_check"`
	Discovery        string          `json:"cron_agent_discovery"`
	LoggingFileName  string          `json:"logging_file_name"`
	HealthDiscovery  string          `json:"cron_agent_health_discovery"`
	Version          string          `json:"version"`
	NonProdUser      string          `json:"opensearch_non_prod_user_name"`
	NonProdPass      messages.Secret `json:"opensearch_non_prod_pass_word"`
	AutoUpgrade      bool            `json:"auto_upgrade"`
	InstallDir       string          `json:"install_dir"`
	Port             int             `json:"port" schema:"minimum=0,maximum=65535"`
	DownloadSlotMax  int64           `json:"checksum_downloadbatch_slot_max_download" schema:"minimum=0,maximum=65535"`
	RustInstallPath  string          `json:"rust_install_path"`
	DownloadSlotMin  int64           `json:"checksum_downloadbatch_slot_minute" schema:"minimum=0,maximum=65535"`
}

func (s *Server) newConfigAnswer(c *messages.Config, rustPath string) configAnswer {
	every := fmt.Sprintf("@every %ds", c.Int(messages.ParamHeartbeatInterval))
	return configAnswer{
		Checksum:         s.options.ExecutableSHA256(),
		NonProdEndpoint:  c.Text(messages.ParamEndpoint),
		ProdEndpoint:     c.Text(messages.ParamProdEndpoint),
		ConfigMonitoring: c.Text(messages.ParamConfigMonitoring),
		AgentID:          c.Int(messages.ParamAgentID),
		AllowedPath:      c.Text(messages.ParamScriptAllowedPath),
		AutoupgradeCheck: c.Text(messages.ParamAutoupgradeCheck),
		Discovery:        orText(c.Text(messages.ParamDiscovery), every),
		LoggingFileName:  c.Text(messages.ParamLoggingFileName),
		HealthDiscovery:  orText(c.Text(messages.ParamHealthDiscovery), every),
		Version:          s.options.Build.Version,
		NonProdUser:      c.Text(messages.ParamOpenSearchUser),
		NonProdPass:      c.Secret(messages.ParamOpenSearchPass),
		AutoUpgrade:      c.Bool(messages.ParamAutoUpgrade),
		InstallDir:       s.options.InstallDir,
		Port:             s.options.Port(),
		DownloadSlotMax:  c.Int(messages.ParamDownloadSlotMax),
		RustInstallPath:  rustPath,
		DownloadSlotMin:  c.Int(messages.ParamDownloadSlotMinute),
	}
}

func orText(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func getConfig(r *request) error {
	config, err := ask[*messages.Config](r, messages.GetConfig{})
	if err != nil {
		return err
	}
	rustPath := ""
	if sample, err := ask[*messages.Sample](r, messages.GetSample{}); err == nil {
		// the configuration can be read without the metric actor
		rustPath = sample.RustInstallPath
	}
	return r.ok(r.server.newConfigAnswer(config, rustPath))
}

// propertyRow is one row of PUT /agent/config.
type propertyRow struct {
	Name  string `json:"propertyName"`
	Value string `json:"propertyValue"`
}

func putConfig(r *request) error {
	var rows []propertyRow
	if err := r.decode(&rows); err != nil {
		return err
	}
	values := make([]messages.ParameterValue, 0, len(rows))
	for _, row := range rows {
		value, err := row.parameter()
		if err != nil {
			return err
		}
		values = append(values, value)
	}
	if len(values) > 0 {
		if err := r.setParameters(values); err != nil {
			return err
		}
	}
	return r.ok(done("Property updated successfully"))
}

// parameter checks a row. The error's field is the row's key at fault, and its message names the
// parameter.
func (p propertyRow) parameter() (messages.ParameterValue, error) {
	known, ok := messages.FindParameter(p.Name)
	if !ok {
		return messages.ParameterValue{},
			messages.Invalidf("propertyName", "%q is no parameter", clip(p.Name))
	}
	if known.HostOnly {
		return messages.ParameterValue{}, hostOnly(p.Name)
	}
	value := p.Value
	switch {
	case value == "true":
		value = "1"
	case value == "false":
		value = "0"
	case value == messages.Mask && known.Kind == messages.KindSecret: // keeps what is stored
		return messages.ParameterValue{Name: p.Name, Value: value}, nil
	}
	if _, err := known.Normalize(value); err != nil {
		return messages.ParameterValue{}, valueError(p.Name, err)
	}
	return messages.ParameterValue{Name: p.Name, Value: value}, nil
}

func hostOnly(name string) error {
	e := messages.Errorf(messages.CodeForbidden, "%s is set on the host only, not over REST", name)
	e.Field = "propertyName"
	return e
}

// valueError returns an actor's or a parameter's own error in the words of the route.
func valueError(name string, err error) error {
	e := messages.AsError(err)
	if e == nil || e.Code != messages.CodeInvalid {
		return err
	}
	return messages.Invalidf("propertyValue", "%s: %s", name, e.Message)
}

func (r *request) setParameters(values []messages.ParameterValue) error {
	_, err := ask[messages.ParametersSet](r, messages.SetParameters{
		Values: values,
		Origin: r.origin(),
	})
	if e := messages.AsError(err); e != nil && e.Field != "" {
		return valueError(e.Field, err)
	}
	return err
}

type autoUpgradeRequest struct {
	Command bool `json:"command"`
}

func putAutoUpgrade(r *request) error {
	var in autoUpgradeRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	value := "0"
	if in.Command {
		value = "1"
	}
	if err := r.setParameters([]messages.ParameterValue{{
		Name:  messages.ParamAutoUpgrade,
		Value: value,
	}}); err != nil {
		return err
	}
	return r.ok(done("Record updated successfully"))
}

// clip cuts what a client sent before it goes into a sentence.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
