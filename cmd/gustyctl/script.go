package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"path"
	"path/filepath"
	"strings"

	"gusty/messages"
)

// readScript fills the job's content and type from a file.
func (a *app) readScript(job *storedJob, file, typeName string) error {
	script, err := a.scriptBytes(file)
	if err != nil {
		return err
	}
	job.Content = base64.StdEncoding.EncodeToString(script)
	if typeName != "" {
		job.Type, err = parseType(typeName)
	} else {
		job.Type, err = guessType(file, script, "--type bash or --type python")
	}
	return err
}

func (a *app) scriptBytes(file string) ([]byte, error) {
	from, err := a.openInput(file)
	if err != nil {
		return nil, usagef("cannot read the script: %w", err)
	}
	defer func() { _ = from.Close() }() // opened for reading: there is nothing to lose
	script, err := io.ReadAll(io.LimitReader(from, messages.MaxScriptBytes+1))
	if err != nil {
		return nil, usagef("cannot read the script: %w", err)
	}
	if len(script) > messages.MaxScriptBytes {
		return nil,
			usagef("%s is over %d bytes, more than a job's script can have", file,
				messages.MaxScriptBytes)
	}
	return script, nil
}

// guessType tells a script's type from its shebang, and from the file's name where there is none.
// The shebang decides where it names an interpreter that is not ours: running a Perl script by Bash
// helps nobody. remedy is how the type is written out where it cannot be told.
func guessType(file string, script []byte, remedy string) (messages.ScriptType, error) {
	if interpreter := shebangInterpreter(script); interpreter != "" {
		if t, ok := typeOfInterpreter(interpreter); ok {
			return t, nil
		}
		return 0, usagef("%s asks for %s, and an agent runs Bash and Python; change its first "+
			"line, or give %s", file, interpreter, remedy)
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".py":
		return messages.ScriptPython, nil
	case ".sh", ".bash":
		return messages.ScriptBash, nil
	}
	return 0, usagef("cannot tell the type of %s: it has no #! line and no known extension; give "+
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

// parseType reads --type.
func parseType(text string) (messages.ScriptType, error) {
	for _, t := range []messages.ScriptType{messages.ScriptPython, messages.ScriptBash} {
		if strings.EqualFold(text, t.String()) {
			return t, nil
		}
	}
	return 0, usagef("--type is %q; it takes bash or python", text)
}
