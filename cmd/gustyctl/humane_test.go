package main

import (
	"testing"
	"time"
)

func TestHumaneDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                              "0 s",
		350 * time.Millisecond:         "350 ms",
		2450 * time.Millisecond:        "2.4 s",
		59999 * time.Millisecond:       "59.9 s",
		65 * time.Second:               "1 min 5 s",
		time.Hour:                      "1 h",
		3*time.Hour + 12*time.Minute:   "3 h 12 min",
		51*time.Hour + 59*time.Minute:  "2 d 3 h",
		-90 * time.Second:              "-1 min 30 s",
		1000000 * time.Hour:            "41666 d 16 h",
		23*time.Hour + 59*time.Second:  "23 h",
		24*time.Hour - time.Nanosecond: "23 h 59 min",
	} {
		if got := humaneDuration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestHumane(t *testing.T) {
	a := &app{}
	for _, c := range []struct{ key, raw, want string }{
		{"cpu_usage", "3.456", "3.5 %"},
		{"memory_total_bytes", "1073741824", "1.0 GiB"},
		{"net_sent_bytes_total", "0", "0 B"},
		{"x_bytes", "1e30", "909494701772928256.0 TiB"},
		{"duration_ms", "1500", "1.5 s"},
		{"uptime_seconds", "90", "1 min 30 s"},
		{"load1", "0.25", "0.25"},
		{"script_type", "0", "python"},
		{"enabled", "false", "no"},
		{"exit_code", "null", "-"},
		{"reason", `""`, "-"},
		{"jobs", "[]", "-"},
		{"jobs", `["a","b"]`, "a, b"},
		{"success_exit_codes", "[0,3]", "0, 3"},
		{"environment", "{}", "{}"},
		{"started_at", `"2026-01-02T03:04:05.678Z"`, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Local().Format("2006-01-02 15:04:05")},
		{"description", `"at 2026"`, "at 2026"},
	} {
		if got := a.humane(c.key, []byte(c.raw)); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.key, c.raw, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := &app{now: func() time.Time { return now }}
	for d, want := range map[time.Duration]string{
		0: "now", 900 * time.Millisecond: "now", -900 * time.Millisecond: "now",
		3100 * time.Millisecond: "in 3 s", -3100 * time.Millisecond: "3 s ago",
		36 * time.Hour: "in 1 d 12 h",
	} {
		if got := a.distance(now.Add(d)); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[2Jb\tc\nd é"); got != "a [2Jb c d é" {
		t.Errorf("got %q", got)
	}
}
