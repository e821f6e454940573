package contract

import (
	"net/http"
	"testing"
)

// testRotate changes the data key. How far a rotation of so few rows is when it is asked for again
// can't be told.
func testRotate(t *testing.T, s *suite) {
	check := func(t *testing.T, body []byte) {
		requireShape(t, "the rotation", body, shape{
			"state": str, "key_version": integer, "rows": integer, "rows_left": integer, "output_files_left": integer, "seals": integer,
			"rotates_at_seals": integer,
		})
	}
	s.run(t, []probe{
		{method: http.MethodGet, path: "/agent/store/rotate", status: 200, check: check},
		{method: http.MethodPost, path: "/agent/store/rotate", status: 202, check: check},
		{method: http.MethodGet, path: "/agent/store/rotate", status: 200, check: check},
	})
}
