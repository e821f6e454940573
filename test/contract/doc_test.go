// Package contract starts the real gustyd and asks it everything that the REST contract promises,
// over real TLS: each route with good and bad input, each answer checked against the OpenAPI
// document that the agent itself serves; and what an operator sees of the process: its files, their
// modes, its exit codes, its log, and state that survives a stop and a crash.
package contract

import (
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"

	"gusty/test/agent"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("text/plain", plainText)
	openapi3filter.RegisterBodyDecoder("application/x-tar", plainText)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", firstLine)
	os.Exit(agent.Main(m))
}
