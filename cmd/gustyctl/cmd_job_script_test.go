package main

import (
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/jobfile"
	"gusty/messages"
)

func TestGuessType(t *testing.T) {
	const unknown = messages.ScriptType(99)
	for _, c := range []struct {
		file, script string
		want         messages.ScriptType
	}{
		{"x", "#!/bin/bash\n", messages.ScriptBash},
		{"x", "#! /bin/bash -eu\r\n", messages.ScriptBash},
		{"x", "#!/bin/sh", messages.ScriptBash},
		{"x", "#!/usr/bin/env bash\n", messages.ScriptBash},
		{"x", "#!/usr/bin/env -S LANG=C bash -e\n", messages.ScriptBash},
		{"x", "#!/usr/bin/env python3\n", messages.ScriptPython},
		{"x", "#!/opt/python/bin/python3.13 -u\n", messages.ScriptPython},
		{"x", "\xef\xbb\xbf#!/usr/bin/python\n", messages.ScriptPython},
		{"x.py", "#!/bin/bash\n", messages.ScriptBash}, // the first line knows better than the name
		{"x.py", "print()\n", messages.ScriptPython},
		{"X.PY", "", messages.ScriptPython},
		{"x.sh", "echo\n", messages.ScriptBash},
		{"dir.d/x.bash", "echo\n", messages.ScriptBash},
		{"x.sh", "#!/usr/bin/perl\n", unknown},
		{"x", "#!/usr/bin/env\n", unknown},
		{"x", "#!\n", unknown},
		{"x", "echo\n", unknown},
		{"-", "echo\n", unknown},
		{"x.txt", " #!/bin/bash\n", unknown},
	} {
		got, err := jobfile.GuessType(c.file, []byte(c.script), "--type")
		if err != nil {
			got = unknown
			if exit.Code(err) != exit.Usage {
				t.Errorf("%s %q: exit code %d", c.file, c.script, exit.Code(err))
			}
		}
		if got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.file, c.script, got, c.want)
		}
	}
}
