package api

import (
	"os"

	"gusty/messages"
)

// infoAnswer is AgentInfo.
type infoAnswer struct {
	Details     agentDetails `json:"agent_details"`
	Config      configAnswer `json:"agent_config"`
	LocalConfig localConfig  `json:"agent_local_config"`
	Jobs        []string     `json:"jobs"`

	Capabilities []capabilityAnswer `json:"capabilities"` // of the host; the Rust agent has none
}

// capabilityAnswer is one thing that the host may or may not offer to runs.
type capabilityAnswer struct {
	Name      string `json:"name"`
	Available bool   `json:"available"`
	Detail    string `json:"detail"` // where it was found, or why it is not there
}

type agentDetails struct {
	Version     string  `json:"version"`
	Hostname    string  `json:"vm_hostname"`
	IP          string  `json:"vm_ip"`
	InstallDir  string  `json:"install_dir"`
	RustVersion string  `json:"rust_version"`
	OSVersion   string  `json:"os_version"`
	Port        int     `json:"port" schema:"minimum=0,maximum=65535"`
	PID         int     `json:"pid"`
	UpTime      uint64  `json:"up_time"`
	Memory      float32 `json:"memory"`
	CPUUsage    float32 `json:"cpu_usage"`
	DiskUsage   float32 `json:"disk_usage"`
}

// localConfig holds the keys whose parameters have can_modify set, and no others.
type localConfig struct {
	NonProdEndpoint string          `json:"opensearch_non_prod_domain_endpoint"`
	NonProdUser     string          `json:"opensearch_non_prod_user_name"`
	NonProdPass     messages.Secret `json:"opensearch_non_prod_pass_word"`
	AutoUpgrade     bool            `json:"auto_upgrade"`
	Port            int             `json:"port" schema:"minimum=0,maximum=65535"`
}

func getInfo(r *request) error {
	config, err := ask[*messages.Config](r, messages.GetConfig{})
	if err != nil {
		return err
	}
	sample, names, err := r.sampleAndNames()
	if err != nil {
		return err
	}
	whole := r.server.newConfigAnswer(config, sample.RustInstallPath)
	return r.ok(infoAnswer{
		Details: agentDetails{
			Version: whole.Version, Hostname: sample.Hostname, IP: sample.IP,
			InstallDir:  whole.InstallDir,
			RustVersion: sample.RustVersion, OSVersion: sample.OSVersion, Port: whole.Port,
			PID: os.Getpid(), UpTime: sample.UptimeSeconds,
			Memory: finite(sample.MemoryPercent), CPUUsage: finite(sample.CPUPercent),
			DiskUsage: finite(sample.DiskPercent),
		},
		Config: whole,
		LocalConfig: localConfig{
			NonProdEndpoint: whole.NonProdEndpoint, NonProdUser: whole.NonProdUser,
			NonProdPass: whole.NonProdPass,
			AutoUpgrade: whole.AutoUpgrade, Port: whole.Port,
		},
		Jobs: notNil(names), Capabilities: r.server.capabilities(),
	})
}

func (s *Server) capabilities() []capabilityAnswer {
	out := []capabilityAnswer{}
	if s.options.Capabilities == nil {
		return out
	}
	for _, c := range s.options.Capabilities() {
		out = append(out, capabilityAnswer(c))
	}
	return out
}
