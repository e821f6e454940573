// Package shipping has the real agent ship to servers that are not what they should be. It needs no
// OpenSearch: what takes the documents in the end is a server of the test's own.
package shipping

import (
	"os"
	"testing"

	"gusty/test/agent"
)

func TestMain(m *testing.M) { os.Exit(agent.Main(m)) }
