//go:build !windows

package main

import "testing"

func TestDefaultDataDir(t *testing.T) {
	for _, c := range []struct {
		uid  int
		env  lookupEnv
		want string
	}{
		{0, environment("XDG_STATE_HOME=/x", "HOME=/root"), "/var/lib/gusty"},
		{1000, environment("XDG_STATE_HOME=/x", "HOME=/h"), "/x/gusty"},
		{1000, environment("XDG_STATE_HOME=relative", "HOME=/h"), "/h/.local/state/gusty"},
		{1000, environment("HOME=/h"), "/h/.local/state/gusty"},
		{1000, environment(), ""},
	} {
		got, err := defaultDataDir(c.uid, c.env)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("uid %d: got %q, %v, want %q", c.uid, got, err, c.want)
		}
	}
}
