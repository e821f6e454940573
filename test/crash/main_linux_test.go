package crash

import (
	"os"
	"testing"

	"gusty/test/pidspace"
)

func TestMain(m *testing.M) { os.Exit(pidspace.Main(m)) }
