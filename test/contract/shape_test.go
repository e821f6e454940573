package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// kind is a JSON type as the contract names it.
type kind string

const (
	str     kind = "string"
	number  kind = "number"
	integer kind = "integer"
	boolean kind = "boolean"
	texts   kind = "[string]"
	object  kind = "object"
	maybe   kind = "integer or null"
)

// shape is the keys of an object, each with its type.
type shape map[string]kind

// requireShape checks that the object has every key of the shape with its type. Further keys are
// allowed: the agent may add some.
func requireShape(t *testing.T, what string, body []byte, want shape) {
	t.Helper()
	var got map[string]json.RawMessage
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v: %s", what, err, body)
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, present := got[key]
		if !present {
			t.Errorf("%s lacks %q", what, key)
			continue
		}
		if !isKind(value, want[key]) {
			t.Errorf("%s: %q is %s, want %s", what, key, value, want[key])
		}
	}
}

func isKind(raw json.RawMessage, want kind) bool {
	switch want {
	case str:
		return decodes[string](raw) && string(raw) != "null"
	case number:
		return decodes[float64](raw) && string(raw) != "null"
	case integer:
		return decodes[int64](raw) && string(raw) != "null"
	case maybe:
		return decodes[*int64](raw)
	case boolean:
		return decodes[bool](raw) && string(raw) != "null"
	case texts:
		return decodes[[]string](raw) && string(raw) != "null"
	case object:
		return decodes[map[string]json.RawMessage](raw) && string(raw) != "null"
	}
	return false
}

func decodes[T any](raw json.RawMessage) bool {
	var value T
	return json.Unmarshal(raw, &value) == nil
}

// The shapes of the Rust agent's answers: their keys and types never change.

func execShape() shape { return shape{"success": boolean, "message": str} }

func commandShape() shape {
	return shape{
		"success": boolean, "message": str, "exit_code": maybe, "stdout": str, "stderr": str, "duration_ms": integer,
		"truncated": boolean, "timed_out": boolean,
	}
}

func configShape() shape {
	return shape{
		"cron_agent_checksum": str, "opensearch_non_prod_domain_endpoint": str, "opensearch_prod_domain_endpoint": str,
		"cron_agent_config_monitoring": str, "agent_id": integer, "script_execution_allowed_path": str,
		"cron_agent_autoupgrade_check": str, "cron_agent_discovery": str, "logging_file_name": str,
		"cron_agent_health_discovery": str, "version": str, "opensearch_non_prod_user_name": str,
		"opensearch_non_prod_pass_word": str, "auto_upgrade": boolean, "install_dir": str, "port": integer,
		"checksum_downloadbatch_slot_max_download": integer, "rust_install_path": str, "checksum_downloadbatch_slot_minute": integer,
	}
}

func metricShape() shape {
	return shape{
		"memory": number, "cpu_usage": number, "rust_version": str, "os_name": str, "kernel_version": str, "os_version": str,
		"disk_usage": number, "up_time": integer, "port": integer, "jobs": texts, "host": object, "process": object,
	}
}

func detailsShape() shape {
	return shape{
		"version": str, "vm_hostname": str, "vm_ip": str, "install_dir": str, "rust_version": str, "os_version": str,
		"port": integer, "pid": integer, "up_time": integer, "memory": number, "cpu_usage": number, "disk_usage": number,
	}
}

func jobShape() shape {
	return shape{
		"script_name": str, "content": str, "cron_expression": str, "arguments": str, "script_type": integer, "opensearch_index": str,
		"opensearch_enabled": boolean, "enabled": boolean, "description": str, "time_zone": str, "overlap_policy": str,
		"misfire_policy": str, "misfire_grace_seconds": integer, "timeout_seconds": integer, "kill_grace_seconds": integer,
		"max_retries": integer, "retry_delay_seconds": integer, "jitter_seconds": integer, "environment": object,
		"working_directory": str, "run_as": str, "output_limit_bytes": integer, "keep_runs": integer, "nice": integer,
		"memory_limit_bytes": integer, "cpu_limit_percent": integer, "kill_remaining": boolean,
	}
}
