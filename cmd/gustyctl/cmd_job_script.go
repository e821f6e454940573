package main

import (
	"encoding/base64"
	"io"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/jobfile"
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
		job.Type, err = jobfile.GuessType(file, script, "--type bash or --type python")
	}
	return err
}

func (a *app) scriptBytes(file string) ([]byte, error) {
	from, err := a.openInput(file)
	if err != nil {
		return nil, exit.Usagef("cannot read the script: %w", err)
	}
	defer func() { _ = from.Close() }() // opened for reading: there is nothing to lose
	script, err := io.ReadAll(io.LimitReader(from, messages.MaxScriptBytes+1))
	if err != nil {
		return nil, exit.Usagef("cannot read the script: %w", err)
	}
	if len(script) > messages.MaxScriptBytes {
		return nil,
			exit.Usagef("%s is over %d bytes, more than a job's script can have", file,
				messages.MaxScriptBytes)
	}
	return script, nil
}

// parseType reads --type.
func parseType(text string) (messages.ScriptType, error) {
	for _, t := range []messages.ScriptType{messages.ScriptPython, messages.ScriptBash} {
		if strings.EqualFold(text, t.String()) {
			return t, nil
		}
	}
	return 0, exit.Usagef("--type is %q; it takes bash or python", text)
}
