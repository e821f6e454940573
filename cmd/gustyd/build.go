package main

import (
	"runtime/debug"

	"gusty/messages"
)

// version is set by the linker: -X main.version=1.2.3.
var version = "dev" //nolint:gochecknoglobals // the linker can set nothing else

// build tells what this executable was made of.
func build() messages.Build {
	b := messages.Build{Version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	changed := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = "+"
			}
		}
	}
	if b.Commit != "" {
		b.Commit += changed
	}
	return b
}
