// Package opensearch holds what is installed in OpenSearch beside the agent's documents: index
// templates, examples of index state management policies, and a dashboard. `gustyctl opensearch
// setup` installs the first two.
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

// Policy is the example of an index state management policy for indices with a date in their name:
// they are deleted after 30 days.
//
//go:embed ism-policy.json
var Policy []byte

// StreamPolicy is that for data streams, which roll over too. It cannot be the same one: an index
// that is none of a stream's does not roll over, and a policy that fails at that deletes nothing.
//
//go:embed ism-policy-stream.json
var StreamPolicy []byte

// Dashboard is an example for OpenSearch Dashboards, one saved object a line.
//
//go:embed dashboard.ndjson
var Dashboard []byte
