package actors

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestRunIDsGoOnBehindAClockThatWasAhead(t *testing.T) {
	const ahead = "0fffffff-ffff-7fff-8000-000000000001" // of the year 2527
	var ids runIDs
	first := ids.next()
	if at := time.Unix(uuid.MustParse(first).Time().UnixTime()); time.Since(
		at).Abs() > time.Minute {
		t.Errorf("%s is of %s", first, at)
	}
	ids.after("no id")
	ids.after(uuid.NewString())
	if second := ids.next(); second <= first || second >= ahead {
		t.Errorf("%s comes after %s", second, first)
	}
	ids.after(ahead)
	last := ahead
	for range 10_000 {
		id := ids.next()
		parsed, err := uuid.Parse(id)
		if err != nil || parsed.Version() != idVersion || parsed.Variant() != uuid.RFC4122 ||
			id <= last {
			t.Fatalf("%s comes after %s: %v", id, last, err)
		}
		last = id
	}
}
