package main

import (
	"runtime/debug"
	"testing"
)

func TestBuildFrom(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"},
		{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
		{Key: "vcs.modified", Value: "true"},
	}}
	got := buildFrom("0.1.0", info)
	if got.Version != "0.1.0" || got.Commit != "0123456789ab+" ||
		got.Date != "2026-01-02T03:04:05Z" {
		t.Errorf("got %+v", got.Build)
	}
	if bare := buildFrom("", nil); bare.Version != "dev" || bare.Commit != "" {
		t.Errorf("got %+v", bare.Build)
	}
}
