package messages

import (
	"testing"
	"time"
)

func TestResolveIndex(t *testing.T) {
	at := time.Date(2026, 3, 4, 23, 5, 6, 0, time.FixedZone("", -3600)) // the next day in UTC
	for name, want := range map[string]string{
		"logs":                    "logs",
		"logs-%{+yyyy.MM.dd}":     "logs-2026.03.05",
		"a-%{+yyyy-MM-dd-HH}-b":   "a-2026-03-05-00-b",
		"%{+MM}":                  "03",
		"a-%{+yyyy.v1-2_15.05}":   "a-2026.v1-2_15.05", // what stays is no part of a date, though Go would take it for one
		"logs-%{+yyyy":            "logs-%{+yyyy",
		"logs-%{+yyyy.MM}%{+dd.}": "logs-2026.03%{+dd.}",
	} {
		if got := ResolveIndex(name, at); got != want {
			t.Errorf("%s gives %s, want %s", name, got, want)
		}
	}
	if err := ValidateIndexName("f", "logs-%{+yyyy.MM.dd}"); err != nil {
		t.Error(err)
	}
	if err := ValidateIndexName("f", "logs-%{+QQ}"); err == nil {
		t.Error("a pattern that makes an upper-case name was taken")
	}
}
