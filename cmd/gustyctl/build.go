package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"gusty/messages"
)

// buildInfo is what the linker and the module system say of this executable.
type buildInfo struct{ messages.Build }

func thisBuild() buildInfo {
	info, _ := debug.ReadBuildInfo()
	return buildFrom(version, info)
}

// buildFrom prefers the linker's version to the module's; info may be nil.
func buildFrom(linked string, info *debug.BuildInfo) buildInfo {
	b := buildInfo{messages.Build{Version: linked}}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			if s.Value == "true" && b.Commit != "" {
				b.Commit += "+"
			}
		}
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

// String returns "0.1.0 (1f2e3d4c5b6a, 2026-01-02T03:04:05Z, go1.26 linux/amd64)".
func (b buildInfo) String() string {
	text := b.Version + " ("
	if b.Commit != "" {
		text += b.Commit + ", "
	}
	if b.Date != "" {
		text += b.Date + ", "
	}
	return fmt.Sprintf("%s%s %s/%s)", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
