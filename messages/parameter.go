package messages

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParameterKind is the type of a parameter's value. All values are stored as text.
type ParameterKind uint8

// The kinds.
const (
	KindText ParameterKind = iota
	KindInteger
	KindBoolean // "1" or "0"; "true" and "false" are taken as those
	KindSecret
	KindAddress // an IP address
	KindURL     // empty, or an absolute http(s) URL, or several with commas between
	KindIndex   // an OpenSearch index name
	KindChoice
	KindLabels // key=value,…
	KindFile   // a plain file name, without a directory
	KindPath   // an absolute path
	KindPin    // a SHA-256 in hex, colons allowed
)

// Parameter describes one row of server_config.
type Parameter struct {
	Name    string
	Kind    ParameterKind
	Default string
	Least   int64 // of an integer
	Most    int64
	Choices []string
	// CanModify is the Rust agent's column, kept for export; HostOnly is what Gusty goes by: set on
	// the host, never over REST.
	CanModify bool
	HostOnly  bool
}

// Names of the parameters that code asks for.
const (
	ParamIPAddr              = "ip_addr"
	ParamServerPort          = "server_port"
	ParamMinPort             = "min_port"
	ParamMaxPort             = "max_port"
	ParamAutoUpgrade         = "auto_upgrade"
	ParamEndpoint            = "opensearch_domain_endpoint"
	ParamApplicationLogIndex = "opensearch_application_log_index"
	ParamHealthIndex         = "opensearch_health_discovery_log_index"
	ParamOpenSearchUser      = "opensearch_user_name"
	ParamOpenSearchPass      = "opensearch_user_pass"
	ParamOpenSearchToken     = "opensearch_api_token" // goes before user and password
	// PEM file on the agent's host; empty: the system's authorities
	ParamOpenSearchCA        = "opensearch_ca_file"
	ParamOpenSearchPin       = "opensearch_fingerprint" // SHA-256 of the server's own certificate
	ParamLogLevel            = "log_level"
	ParamCPULimit            = "cpu_utils_limit"
	ParamMemoryLimit         = "memory_limit"
	ParamProdEndpoint        = "opensearch_prod_domain_endpoint"
	ParamConfigMonitoring    = "cron_agent_config_monitoring"
	ParamAgentID             = "agent_id"
	ParamScriptAllowedPath   = "script_execution_allowed_path"
	ParamAutoupgradeCheck    = "cron_agent_autoupgrade_check"
	ParamDiscovery           = "cron_agent_discovery"
	ParamHealthDiscovery     = "cron_agent_health_discovery"
	ParamLoggingFileName     = "logging_file_name"
	ParamDownloadSlotMax     = "checksum_downloadbatch_slot_max_download"
	ParamDownloadSlotMinute  = "checksum_downloadbatch_slot_minute"
	ParamHeartbeatInterval   = "heartbeat_interval_seconds"
	ParamMetricInterval      = "metric_interval_seconds"
	ParamCommandTimeout      = "command_timeout_seconds"
	ParamMaxConnections      = "max_connections"
	ParamMaxConcurrentRuns   = "max_concurrent_runs"
	ParamLabels              = "labels"
	ParamOutboxLimitBytes    = "outbox_limit_bytes"
	ParamOutboxLimitAgeHours = "outbox_limit_age_hours"
	ParamRunsLimitBytes      = "runs_limit_bytes"
	ParamRunsLimitAgeHours   = "runs_limit_age_hours"
	ParamOrphanPolicy        = "orphan_policy"
)

// Parameters lists every parameter, in the order in which they are shown and seeded.
func Parameters() []Parameter {
	integer := func(name, def string, least, most int64) Parameter {
		return Parameter{Name: name, Kind: KindInteger, Default: def, Least: least, Most: most}
	}
	hostOnly := func(p Parameter) Parameter { p.HostOnly = true; return p }
	modifiable := func(p Parameter) Parameter { p.CanModify = true; return p }
	return []Parameter{
		hostOnly(Parameter{Name: ParamIPAddr, Kind: KindAddress, Default: "0.0.0.0"}),
		modifiable(integer(ParamServerPort, "20140", 1, 65535)),
		hostOnly(integer(ParamMinPort, "20000", 1, 65535)),
		hostOnly(integer(ParamMaxPort, "21000", 1, 65535)),
		modifiable(Parameter{Name: ParamAutoUpgrade, Kind: KindBoolean, Default: "1"}),
		modifiable(Parameter{Name: ParamEndpoint, Kind: KindURL}),
		{
			Name:    ParamApplicationLogIndex,
			Kind:    KindIndex,
			Default: "rust_agent_application_logs_dev",
		},
		{Name: ParamHealthIndex, Kind: KindIndex, Default: "rust_agent_health_discovery_dev"},
		modifiable(Parameter{Name: ParamOpenSearchUser}),
		modifiable(Parameter{Name: ParamOpenSearchPass, Kind: KindSecret}),
		{Name: ParamOpenSearchToken, Kind: KindSecret},
		{Name: ParamOpenSearchCA, Kind: KindPath},
		{Name: ParamOpenSearchPin, Kind: KindPin},
		{
			Name:    ParamLogLevel,
			Kind:    KindChoice,
			Default: "info",
			Choices: []string{"error", "warning", "info", "debug"},
		},
		integer(ParamCPULimit, "20", 1, 100),
		integer(ParamMemoryLimit, "102400", 8192, 1<<30),
		{Name: ParamProdEndpoint, Kind: KindURL},
		{Name: ParamConfigMonitoring},
		integer(ParamAgentID, "0", 0, 65535),
		{Name: ParamScriptAllowedPath},
		{Name: ParamAutoupgradeCheck, Default: "0 0 3 * * *"},
		{Name: ParamDiscovery},
		{Name: ParamHealthDiscovery},
		{Name: ParamLoggingFileName, Kind: KindFile},
		integer(ParamDownloadSlotMax, "0", 0, 65535),
		integer(ParamDownloadSlotMinute, "0", 0, 65535),
		integer(ParamHeartbeatInterval, "300", 1, 86400),
		integer(ParamMetricInterval, "10", 1, 3600),
		integer(ParamCommandTimeout, "300", 1, 86400),
		integer(ParamMaxConnections, "1024", 16, 65535),
		integer(ParamMaxConcurrentRuns, "256", 1, 10000),
		{Name: ParamLabels, Kind: KindLabels},
		integer(ParamOutboxLimitBytes, "67108864", 65536, 1<<40),
		integer(ParamOutboxLimitAgeHours, "168", 1, 87600),
		integer(ParamRunsLimitBytes, "268435456", 1<<20, 1<<40),
		integer(ParamRunsLimitAgeHours, "2160", 1, 87600),
		{
			Name:    ParamOrphanPolicy,
			Kind:    KindChoice,
			Default: "kill",
			Choices: []string{"kill", "leave"},
		},
	}
}

// FindParameter returns the description of one parameter.
func FindParameter(name string) (Parameter, bool) {
	for _, p := range Parameters() {
		if p.Name == name {
			return p, true
		}
	}
	return Parameter{}, false
}

// Normalize checks a value and gives the text that is stored for it. An empty value is always
// taken: it makes the global value the effective one again. The error is an *Error of CodeInvalid
// with the parameter's name as its field.
func (p *Parameter) Normalize(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	if len(value) > MaxFieldBytes || !utf8.ValidString(value) ||
		strings.ContainsAny(value, "\x00\r\n") {
		return "", Invalidf(p.Name, "needs at most %d bytes of UTF-8 on one line", MaxFieldBytes)
	}
	switch p.Kind {
	case KindInteger:
		return p.normalizeInteger(value)
	case KindBoolean:
		return p.normalizeBoolean(value)
	case KindChoice:
		return p.normalizeChoice(value)
	case KindAddress:
		if _, err := netip.ParseAddr(value); err != nil {
			return "", Invalidf(p.Name, "%q is not an IP address", value)
		}
	case KindURL:
		return value, p.checkURLs(value)
	case KindIndex:
		return value, ValidateIndexName(p.Name, value)
	case KindLabels:
		_, err := ParseLabels(p.Name, value)
		return value, err
	case KindPath:
		if !filepath.IsAbs(value) {
			return "", Invalidf(p.Name, "needs an absolute path")
		}
	case KindPin:
		if raw, err := hex.DecodeString(strings.ReplaceAll(value, ":", "")); err != nil ||
			len(raw) != sha256.Size {
			return "", Invalidf(p.Name, "needs the 64 hex digits of a SHA-256, colons allowed")
		}
	case KindFile:
		if strings.ContainsAny(value, `/\:`) || value == "." || value == ".." {
			return "", Invalidf(p.Name, "needs a plain file name; the file lies in the directory "+
				"log of the agent's data")
		}
	case KindText, KindSecret:
	}
	return value, nil
}

func (p *Parameter) normalizeInteger(value string) (string, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", Invalidf(p.Name, "%q is not a whole number", value)
	}
	if n < p.Least || n > p.Most {
		return "", Invalidf(p.Name, "%d is out of range %d to %d", n, p.Least, p.Most)
	}
	return strconv.FormatInt(n, 10), nil
}

func (p *Parameter) normalizeBoolean(value string) (string, error) {
	switch strings.ToLower(value) {
	case "1", "true":
		return "1", nil
	case "0", "false":
		return "0", nil
	}
	return "", Invalidf(p.Name, `%q is neither "true" nor "false"`, value)
}

func (p *Parameter) normalizeChoice(value string) (string, error) {
	for _, c := range p.Choices {
		if strings.EqualFold(c, value) {
			return c, nil
		}
	}
	return "", Invalidf(p.Name, "%q is none of %s", value, strings.Join(p.Choices, ", "))
}

func (p *Parameter) checkURLs(value string) error {
	for one := range strings.SplitSeq(value, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return Invalidf(p.Name, "needs a URL that begins with https:// or http://")
		}
		if u.User != nil {
			return Invalidf(p.Name, "must not hold a user or a password; %s and %s are for those",
				ParamOpenSearchUser, ParamOpenSearchPass)
		}
		if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			return Invalidf(p.Name, "must not hold anything behind a ? or a #")
		}
		if u.Port() != "" || strings.HasSuffix(u.Host, ":") {
			if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
				return Invalidf(p.Name, "has a port that is none of 1 to 65535")
			}
		}
	}
	return nil
}

// ParseLabels reads key=value,… into pairs; field names the parameter in the error. Since
// OpenSearch takes a dot for a step into an object, a key needs a name on each side of it, and none
// is both a value and an object.
func ParseLabels(field, value string) (map[string]string, error) {
	labels := map[string]string{}
	if strings.TrimSpace(value) == "" {
		return labels, nil
	}
	for pair := range strings.SplitSeq(value, ",") {
		k, v, ok := strings.Cut(pair, "=")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if !ok || k == "" {
			return nil, Invalidf(field, "%q is not of the form key=value", pair)
		}
		if _, twice := labels[k]; twice {
			return nil, Invalidf(field, "the key %q stands twice", k)
		}
		labels[k] = v
	}
	for k := range labels {
		if err := checkLabelPath(field, k, labels); err != nil {
			return nil, err
		}
	}
	return labels, nil
}

// maxLabelDepth is how many names a label's key may have between its dots: OpenSearch takes 20
// levels in all.
const maxLabelDepth = 10

func checkLabelPath(field, key string, labels map[string]string) error {
	if strings.Count(key, ".") >= maxLabelDepth {
		return Invalidf(field, "the key %q has over %d parts between dots", key, maxLabelDepth)
	}
	end := -1
	for name := range strings.SplitSeq(key, ".") {
		if strings.TrimSpace(name) == "" {
			return Invalidf(field, "the key %q needs a name on each side of a dot", key)
		}
		end += 1 + len(name)
		if _, value := labels[key[:end]]; value && end < len(key) {
			return Invalidf(field, "the key %q cannot stand beside %q: one is a value and the "+
				"other an object", key[:end], key)
		}
	}
	return nil
}
