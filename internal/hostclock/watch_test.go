package hostclock

import (
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name              string
		wall, boot, awake time.Duration
		set, suspended    time.Duration
	}{
		{"nothing", 5 * time.Second, 5 * time.Second, 5 * time.Second, 0, 0},
		{"forward", 2 * time.Hour, 5 * time.Second, 5 * time.Second, 2*time.Hour - 5*time.Second, 0},
		{"back", -time.Hour, 5 * time.Second, 5 * time.Second, -time.Hour - 5*time.Second, 0},
		{"suspended", 2 * time.Hour, 2 * time.Hour, 5 * time.Second, 0, 2*time.Hour - 5*time.Second},
		{"both", time.Hour, 2 * time.Hour, 5 * time.Second, -time.Hour, 2*time.Hour - 5*time.Second},
		{"a coarse clock since boot", 5 * time.Second, 4990 * time.Millisecond, 5 * time.Second, 10 * time.Millisecond, 0},
	} {
		got := Between(Reading{Wall: noon}, Reading{
			Wall:  noon.Add(c.wall),
			Boot:  c.boot,
			Awake: c.awake,
		})
		want := Change{
			From:      noon,
			To:        noon.Add(c.wall),
			Awake:     c.awake,
			Set:       c.set,
			Suspended: c.suspended,
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}

func TestLooksFollowEachOther(t *testing.T) {
	boot := time.Duration(0)
	w := NewWatch(func() time.Duration { return boot })
	now := w.base
	boot += time.Hour
	if c := w.Look(now.Add(time.Second)); c.Suspended != time.Hour-time.Second ||
		c.Awake != time.Second {
		t.Errorf("after an hour's sleep: %+v", c)
	}
	boot += time.Second
	if c := w.Look(now.Add(2 * time.Second)); c.Suspended != 0 || c.Set != 0 ||
		c.Awake != time.Second {
		t.Errorf("a second later: %+v", c)
	}
}

func TestSinceBootGoesOn(t *testing.T) {
	before := SinceBoot()
	if before <= 0 || SinceBoot() < before {
		t.Errorf("%s, then %s", before, SinceBoot())
	}
}
