package jobfile

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// maxJobFileBytes bounds one YAML file: a few scripts of the largest size, written out.
const maxJobFileBytes = 8 * messages.MaxScriptBytes

// Dir is a directory of jobs: YAML files, one job a document, with their scripts beside them.
type Dir struct {
	Path     string
	Jobs     []*File // by name
	Problems []Problem
}

// LoadDir reads every .yaml and .yml file under dir but those whose names begin with a dot. What
// is wrong in the files is gathered, so that all of it can be said at once; the error is of the
// directory itself.
func LoadDir(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, exit.Usagef("cannot open the directory of jobs: %w", err)
	}
	defer func() { _ = root.Close() }() // opened for reading: there is nothing to lose
	files, err := yamlFiles(root.FS())
	if err != nil {
		return nil, exit.Usagef("cannot list the directory of jobs: %w", err)
	}
	if len(files) == 0 {
		return nil, exit.Usagef("%s holds no .yaml file; is it the directory of jobs?", dir)
	}
	d := &Dir{Path: dir}
	for _, file := range files {
		d.loadFile(root, file)
	}
	slices.SortStableFunc(d.Jobs, func(a, b *File) int {
		return cmp.Compare(a.Job.Name, b.Job.Name)
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

func (d *Dir) loadFile(root *os.Root, file string) {
	data, err := readWithin(root, file, maxJobFileBytes)
	if err != nil {
		d.Problems = append(d.Problems, Problem{Path: file, text: err.Error()})
		return
	}
	jobs, problems := parseJobFile(root, file, data)
	d.Jobs, d.Problems = append(d.Jobs, jobs...), append(d.Problems, problems...)
}

// refuseDuplicates keeps the last of two jobs of one name from silently being the one that counts.
func (d *Dir) refuseDuplicates() {
	for i := 1; i < len(d.Jobs); i++ {
		first, second := d.Jobs[i-1], d.Jobs[i]
		if first.Job.Name == second.Job.Name {
			d.Problems = append(d.Problems,
				second.Problem("script_name", "a job of this name is in "+
					Place(first.Path, first.Line)+" too"))
		}
	}
}

// Has reports whether the directory has a job of this name.
func (d *Dir) Has(name string) bool {
	_, found := slices.BinarySearchFunc(d.Jobs, name, func(f *File, name string) int {
		return cmp.Compare(f.Job.Name, name)
	})
	return found
}

// Body returns the whole ScriptRequest: every field, so that what the file leaves out gets its
// default and does not stay as it was stored.
func (f *File) Body() map[string]any {
	body := map[string]any{}
	for _, field := range Fields() {
		body[field.Name] = field.Value(&f.Job)
	}
	return body
}
