package process

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gusty/internal/private"
)

// privateDir is where scripts lie while they run.
type privateDir struct{ path string }

// newPrivateDir makes the directory, or closes one that was there before to others, and removes the
// scripts of an agent that crashed.
func newPrivateDir(path string, log *slog.Logger) (privateDir, error) {
	if err := private.MakeDir(path); err != nil {
		return privateDir{}, err
	}
	if err := private.SecureDir(path, log); err != nil {
		return privateDir{}, err
	}
	old, _ := filepath.Glob(filepath.Join(path, "run-*")) // the pattern is well-formed
	for _, file := range old {
		_ = os.Remove(file) // one that is in use stays
	}
	return privateDir{path: path}, nil
}

// dirTries bounds how often a directory is made again that somebody removes again and again.
const dirTries = 10

// create makes a file in the directory, which is made again where somebody has removed it.
func (d privateDir) create(path string) (*os.File, error) {
	for tries := 1; ; tries++ {
		file, err := private.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrNotExist) || tries == dirTries {
			return file, err
		}
		if err := private.MakeDir(d.path); err != nil {
			return nil, err
		}
	}
}

// write makes the file of one run. Its extension is one that the interpreter expects.
func (d privateDir) write(run, interpreter string, script []byte) (path string, err error) {
	path = filepath.Join(d.path, "run-"+run+extensionFor(interpreter))
	file, err := d.create(path)
	if err != nil {
		return "", err
	}
	_, err = file.Write(script)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

func extensionFor(interpreter string) string {
	name := strings.ToLower(filepath.Base(interpreter))
	switch {
	case strings.HasPrefix(name, "python"), strings.HasPrefix(name, "py."):
		return ".py"
	case strings.HasPrefix(name, "powershell"), strings.HasPrefix(name, "pwsh"):
		return ".ps1"
	default:
		return ".sh"
	}
}
