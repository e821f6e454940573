package main

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"gusty/messages"
)

// maxJobFileBytes bounds one YAML file: a few scripts of the largest size, written out.
const maxJobFileBytes = 8 * messages.MaxScriptBytes

// jobDir is a directory of jobs: YAML files, one job a document, with their scripts beside them.
type jobDir struct {
	path     string
	jobs     []*jobFile // by name
	problems []problem
}

// loadJobDir reads every .yaml and .yml file under dir but those whose names begin with a dot. What
// is wrong in the files is gathered, so that all of it can be said at once; the error is of the
// directory itself.
func loadJobDir(dir string) (*jobDir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, usagef("cannot open the directory of jobs: %w", err)
	}
	defer func() { _ = root.Close() }() // opened for reading: there is nothing to lose
	files, err := yamlFiles(root.FS())
	if err != nil {
		return nil, usagef("cannot list the directory of jobs: %w", err)
	}
	if len(files) == 0 {
		return nil, usagef("%s holds no .yaml file; is it the directory of jobs?", dir)
	}
	d := &jobDir{path: dir}
	for _, file := range files {
		d.loadFile(root, file)
	}
	slices.SortStableFunc(d.jobs, func(a, b *jobFile) int {
		return cmp.Compare(a.job.Name, b.job.Name)
	})
	d.refuseDuplicates()
	return d, nil
}

func yamlFiles(tree fs.FS) (files []string, err error) {
	err = fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		hidden := file != "." && strings.HasPrefix(entry.Name(), ".")
		switch ext := path.Ext(file); {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case !hidden && !entry.IsDir() && (ext == ".yaml" || ext == ".yml"):
			files = append(files, file)
		}
		return nil
	})
	return files, err
}

func (d *jobDir) loadFile(root *os.Root, file string) {
	data, err := readWithin(root, file, maxJobFileBytes)
	if err != nil {
		d.problems = append(d.problems, problem{file: file, text: err.Error()})
		return
	}
	jobs, problems := parseJobFile(root, file, data)
	d.jobs, d.problems = append(d.jobs, jobs...), append(d.problems, problems...)
}

// refuseDuplicates keeps the last of two jobs of one name from silently being the one that counts.
func (d *jobDir) refuseDuplicates() {
	for i := 1; i < len(d.jobs); i++ {
		first, second := d.jobs[i-1], d.jobs[i]
		if first.job.Name == second.job.Name {
			d.problems = append(d.problems,
				second.problem("script_name", "a job of this name is in "+
					place(first.file, first.line)+" too"))
		}
	}
}

// has reports whether the directory has a job of this name.
func (d *jobDir) has(name string) bool {
	_, found := slices.BinarySearchFunc(d.jobs, name, func(f *jobFile, name string) int {
		return cmp.Compare(f.job.Name, name)
	})
	return found
}

// body returns the whole ScriptRequest: every field, so that what the file leaves out gets its
// default and does not stay as it was stored.
func (f *jobFile) body() map[string]any {
	body := map[string]any{}
	for _, field := range jobFields() {
		body[field.name] = field.value(&f.job)
	}
	return body
}
