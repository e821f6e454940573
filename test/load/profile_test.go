//go:build linux

package main

import "testing"

func TestAddress(t *testing.T) {
	targets := "GET https://localhost:20140/agent/status\n\nPUT https://localhost:20140/agent/job\nContent-Type: application/json\n@body.json\n"
	want := "GET https://localhost:7/agent/status\nX: y\n\nPUT https://localhost:7/agent/job\nX: y\nContent-Type: application/json\n@body.json\n"
	if got := address(targets, 7, "X: y"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
