package jobfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"gusty/internal/atomicfile"
	"gusty/messages"
)

// jobReader reads one job and gathers all that is wrong with it.
type jobReader struct {
	*File
	root     *os.Root
	problems []Problem
}

func parseJob(root *os.Root, file string, n *yaml.Node) (*File, []Problem) {
	r := jobReader{root: root, File: &File{Path: file, Line: n.Line, lines: map[string]int{}}}
	r.Job.Options = messages.DefaultJobOptions()
	if n.Kind != yaml.MappingNode {
		return nil, []Problem{{
			Path: file,
			Line: n.Line,
			text: "a job is written as names and values, such as script_name: backup",
		}}
	}
	r.readFields(n)
	r.readScript()
	r.check()
	return r.File, r.problems
}

func (r *jobReader) wrong(field, format string, args ...any) {
	r.problems = append(r.problems, r.Problem(field, fmt.Sprintf(format, args...)))
}

func (r *jobReader) readFields(n *yaml.Node) {
	fields := map[string]jobField{}
	for _, f := range Fields() {
		fields[f.Name] = f
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, dereferenced(n.Content[i+1])
		_, twice := r.lines[name]
		r.lines[name] = n.Content[i].Line
		if twice {
			r.wrong(name, "stands twice")
			continue
		}
		if err := r.readField(fields, name, value); err != nil {
			r.wrong(name, "%v", err)
		}
	}
}

func (r *jobReader) readField(fields map[string]jobField, name string,
	value *yaml.Node,
) (err error) {
	if name == "script" {
		r.Script, err = scalar(value)
		return err
	}
	field, ok := fields[name]
	if !ok {
		return fmt.Errorf("is not a field of a job%s", suggestion(name))
	}
	return field.Read(&r.Job, value)
}

// readScript reads the script's file and tells the script's type, where neither is written out.
func (r *jobReader) readScript() {
	_, inFile := r.lines["script"]
	_, inline := r.lines["content"]
	switch {
	case inFile && inline:
		r.wrong("script", "a job has either script or content, not both")
		return
	case !inFile && !inline:
		r.wrong("script", "is missing: name the script's file (script: backup.sh), or write it "+
			"out (content: |)")
		return
	case inFile && r.Script == "":
		return // said already
	case inFile:
		r.Script = path.Join(path.Dir(r.Path), r.Script)
		script, err := readWithin(r.root, r.Script, messages.MaxScriptBytes)
		if err != nil {
			r.wrong("script", "%v", err)
			return
		}
		r.Job.Content = script
	}
	r.Job.Content = bytes.ReplaceAll(r.Job.Content, []byte{'\r'}, nil) // as the agent stores it
	if _, told := r.lines["script_type"]; !told {
		r.guessType()
	}
}

func (r *jobReader) guessType() {
	name := r.Script
	if name == "" {
		name = "the script"
	}
	var err error
	if r.Job.Type, err = GuessType(name, r.Job.Content,
		"script_type: bash or script_type: python"); err != nil {
		r.wrong("script_type", "%v", err)
	}
}

func (r *jobReader) check() {
	for _, required := range []string{"script_name", "cron_expression"} {
		if _, there := r.lines[required]; !there {
			r.wrong(required, "is missing")
		}
	}
	if wrong := messages.AsError(r.Job.Validate()); wrong != nil && len(r.problems) == 0 {
		r.wrong(wrong.Field, "%s", wrong.Message)
	}
}

// readWithin reads a file of at most limit bytes that lies in root, symbolic links followed.
func readWithin(root *os.Root, name string, limit int64) ([]byte, error) {
	name = filepath.FromSlash(name)
	if info, err := root.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil,
			fmt.Errorf("cannot be read: %s is %s, and no regular file", name,
				atomicfile.Kind(info.Mode()))
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w; it must lie in the directory, and its name "+
			"counts from the job's file", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s is over %d bytes", name, limit)
	}
	return data, nil
}
