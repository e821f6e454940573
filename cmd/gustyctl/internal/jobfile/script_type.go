package jobfile

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// GuessType tells a script's type from its shebang, and from the file's name where there is none.
// The shebang decides where it names an interpreter that is not ours: running a Perl script by Bash
// helps nobody. remedy is how the type is written out where it cannot be told.
func GuessType(file string, script []byte, remedy string) (messages.ScriptType, error) {
	if interpreter := shebangInterpreter(script); interpreter != "" {
		if t, ok := typeOfInterpreter(interpreter); ok {
			return t, nil
		}
		return 0, exit.Usagef("%s asks for %s, and an agent runs Bash and Python; change its "+
			"first "+
			"line, or give %s", file, interpreter, remedy)
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".py":
		return messages.ScriptPython, nil
	case ".sh", ".bash":
		return messages.ScriptBash, nil
	}
	return 0, exit.Usagef("cannot tell the type of %s: it has no #! line and no known extension; "+
		"give "+
		"%s", file, remedy)
}

// shebangInterpreter returns the interpreter's base name: "bash" for #!/bin/bash -e and for
// #!/usr/bin/env -S LANG=C bash, or "".
func shebangInterpreter(script []byte) string {
	// editors on Windows begin a file with it
	script = bytes.TrimPrefix(script, []byte("\xef\xbb\xbf"))
	rest, ok := bytes.CutPrefix(script, []byte("#!"))
	if !ok {
		return ""
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return ""
	}
	if path.Base(words[0]) != "env" {
		return path.Base(words[0])
	}
	for _, word := range words[1:] {
		if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
			return path.Base(word)
		}
	}
	return ""
}

// typeOfInterpreter takes a version behind the name (python3.13). A script for a plain POSIX shell
// runs under Bash.
func typeOfInterpreter(name string) (messages.ScriptType, bool) {
	switch strings.TrimRight(strings.TrimSuffix(name, ".exe"), "0123456789.") {
	case "bash", "sh", "dash", "ash":
		return messages.ScriptBash, true
	case "python", "pypy":
		return messages.ScriptPython, true
	}
	return 0, false
}
