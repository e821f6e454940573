package contract

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestHistoryIsBounded lowers the bounds of the history of a running agent: they hold from then on,
// without a restart.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := startSuite(t, t.TempDir())
	put := func(status int, name, value string) {
		t.Helper()
		s.ask(t, probe{
			method: http.MethodPut,
			path:   "/agent/config",
			body:   property(name, value),
			status: status,
		})
	}
	for _, value := range []string{"1048575", "1099511627777", "all"} {
		put(http.StatusUnprocessableEntity, "runs_limit_bytes", value)
	}
	for _, value := range []string{"0", "87601"} {
		put(http.StatusUnprocessableEntity, "runs_limit_age_hours", value)
	}
	print300KB := fmt.Sprintf(`{"command":%q}`, base64.StdEncoding.EncodeToString([]byte("head -c 300000 /dev/zero | tr '\\0' x")))
	execute := func() {
		t.Helper()
		s.ask(t, probe{
			method: http.MethodPost,
			path:   "/agent/command/execute",
			body:   print300KB,
			status: http.StatusOK,
		})
	}
	for range 6 {
		execute()
	}
	if runs := len(get[page](t, s, "/agent/runs").Items); runs != 6 {
		t.Fatalf("%d runs are kept", runs)
	}
	put(http.StatusOK, "runs_limit_bytes", "1048576")
	for range 2 {
		execute()
	}
	files, err := filepath.Glob(filepath.Join(s.process.Dir, "output", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if runs := len(get[page](t, s, "/agent/runs").Items); runs != 3 || size > 1<<20 {
		t.Errorf("%d runs are kept, with %d bytes of output", runs, size)
	}
}
