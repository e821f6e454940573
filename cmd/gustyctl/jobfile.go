package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"gusty/messages"
)

// jobFile is one job as a file says it is: whole, so that what the file does not name has its default.
type jobFile struct {
	job   messages.Job
	file  string // relative to the directory, with slashes
	line  int    // where the job begins
	lines map[string]int
	// script is the file of the script, relative to the directory; empty where the text stands in the job's own file.
	script string
}

// problem is something wrong in a job file.
type problem struct {
	file  string
	line  int // 0: not known
	field string
	text  string
}

func (p problem) String() string {
	text := p.text
	if p.field != "" {
		text = p.field + ": " + text
	}
	return place(p.file, p.line) + ": " + text
}

// place names a line of a file, as compilers do; line 0 is not known.
func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// problem places what is wrong with one of the job's fields at that field's line.
func (f *jobFile) problem(field, text string) problem {
	line, ok := f.lines[field]
	if script, there := f.lines["script"]; field == "content" && there {
		line, ok = script, there
	}
	if !ok {
		line = f.line
	}
	return problem{file: f.file, line: line, field: field, text: text}
}

// parseJobFile reads the jobs of one YAML file, each a document of its own. root is the directory that scripts must lie in.
func parseJobFile(root *os.Root, file string, data []byte) (jobs []*jobFile, problems []problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return jobs, problems
		}
		if err != nil {
			return jobs, append(problems, notYAML(file, err))
		}
		if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
			continue // a document of comments
		}
		job, wrong := parseJob(root, file, document.Content[0])
		problems = append(problems, wrong...)
		if len(wrong) == 0 {
			jobs = append(jobs, job)
		}
	}
}

// notYAML gives the line out of the library's text, which leaves it out where it is the first.
func notYAML(file string, err error) problem {
	p := problem{file: file, line: 1, text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(p.text, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			p.line, p.text = line, text
		}
	}
	p.text = "is not YAML: " + p.text
	if strings.HasSuffix(p.text, "cannot start any token") {
		p.text += `; text that begins with @ or % takes quotes, as in "@daily"`
	}
	return p
}

// jobReader reads one job and gathers all that is wrong with it.
type jobReader struct {
	*jobFile
	root     *os.Root
	problems []problem
}

func parseJob(root *os.Root, file string, n *yaml.Node) (*jobFile, []problem) {
	r := jobReader{root: root, jobFile: &jobFile{file: file, line: n.Line, lines: map[string]int{}}}
	r.job.Options = messages.DefaultJobOptions()
	if n.Kind != yaml.MappingNode {
		return nil, []problem{{file: file, line: n.Line, text: "a job is written as names and values, such as script_name: backup"}}
	}
	r.readFields(n)
	r.readScript()
	r.check()
	return r.jobFile, r.problems
}

func (r *jobReader) wrong(field, format string, args ...any) {
	r.problems = append(r.problems, r.problem(field, fmt.Sprintf(format, args...)))
}

func (r *jobReader) readFields(n *yaml.Node) {
	fields := map[string]jobField{}
	for _, f := range jobFields() {
		fields[f.name] = f
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

func (r *jobReader) readField(fields map[string]jobField, name string, value *yaml.Node) (err error) {
	if name == "script" {
		r.script, err = scalar(value)
		return err
	}
	field, ok := fields[name]
	if !ok {
		return fmt.Errorf("is not a field of a job%s", suggestion(name))
	}
	return field.read(&r.job, value)
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
		r.wrong("script", "is missing: name the script's file (script: backup.sh), or write it out (content: |)")
		return
	case inFile && r.script == "":
		return // said already
	case inFile:
		r.script = path.Join(path.Dir(r.file), r.script)
		script, err := readWithin(r.root, r.script, messages.MaxScriptBytes)
		if err != nil {
			r.wrong("script", "%v", err)
			return
		}
		r.job.Content = script
	}
	r.job.Content = bytes.ReplaceAll(r.job.Content, []byte{'\r'}, nil) // as the agent stores it
	if _, told := r.lines["script_type"]; !told {
		r.guessType()
	}
}

func (r *jobReader) guessType() {
	name := r.script
	if name == "" {
		name = "the script"
	}
	var err error
	if r.job.Type, err = guessType(name, r.job.Content, "script_type: bash or script_type: python"); err != nil {
		r.wrong("script_type", "%v", err)
	}
}

func (r *jobReader) check() {
	for _, required := range []string{"script_name", "cron_expression"} {
		if _, there := r.lines[required]; !there {
			r.wrong(required, "is missing")
		}
	}
	if wrong := messages.AsError(r.job.Validate()); wrong != nil && len(r.problems) == 0 {
		r.wrong(wrong.Field, "%s", wrong.Message)
	}
}

// readWithin reads a file of at most limit bytes that lies in root, symbolic links followed.
func readWithin(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w; it must lie in the directory, and its name counts from the job's file", err)
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
