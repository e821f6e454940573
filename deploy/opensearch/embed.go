// Package opensearch holds what is installed in OpenSearch beside the agent's documents: index templates, an example of an index state management
// policy, and a dashboard. `gustyctl opensearch setup` installs the first two.
package opensearch

import _ "embed" // for the files beside this one

// LogsTemplate is the composable index template of application logs and of what jobs print.
//
//go:embed template-logs.json
var LogsTemplate []byte

// HealthTemplate is that of health documents and heartbeats.
//
//go:embed template-health.json
var HealthTemplate []byte

// Policy is the example of an index state management policy: indices and data streams roll over, and are deleted after 30 days.
//
//go:embed ism-policy.json
var Policy []byte
