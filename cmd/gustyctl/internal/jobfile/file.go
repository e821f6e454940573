package jobfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"gusty/messages"
)

// File is one job as a file says it is: whole, so that what the file does not name has its
// default.
type File struct {
	Job   messages.Job
	Path  string // relative to the directory, with slashes
	Line  int    // where the job begins
	lines map[string]int
	// Script is the file of the script, relative to the directory; empty where the text stands in
	// the job's own file.
	Script string
}

// Problem is something wrong in a job file.
type Problem struct {
	Path  string
	Line  int // 0: not known
	field string
	text  string
}

func (p Problem) String() string {
	text := p.text
	if p.field != "" {
		text = p.field + ": " + text
	}
	return Place(p.Path, p.Line) + ": " + text
}

// Place names a line of a file, as compilers do; line 0 is not known.
func Place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// Problem places what is wrong with one of the job's fields at that field's line.
func (f *File) Problem(field, text string) Problem {
	line, ok := f.lines[field]
	if script, there := f.lines["script"]; field == "content" && there {
		line, ok = script, there
	}
	if !ok {
		line = f.Line
	}
	return Problem{Path: f.Path, Line: line, field: field, text: text}
}

// parseJobFile reads the jobs of one YAML file, each a document of its own. root is the directory
// that scripts must lie in.
func parseJobFile(root *os.Root, file string, data []byte) (jobs []*File, problems []Problem) {
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

// notYAML returns the line out of the library's text, which leaves it out where it is the first.
func notYAML(file string, err error) Problem {
	p := Problem{Path: file, Line: 1, text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(p.text, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			p.Line, p.text = line, text
		}
	}
	p.text = "is not YAML: " + p.text
	if strings.HasSuffix(p.text, "cannot start any token") {
		p.text += `; text that begins with @ or % takes quotes, as in "@daily"`
	}
	return p
}

// MaskedNames returns the variables whose stored values are to be kept.
func (f *File) MaskedNames() []string {
	var names []string
	for name, value := range f.Job.Options.Environment {
		if value == messages.Mask {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
