package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// onlyUs grants everything to the system, the administrators and the owner, and nothing to anybody else, inherited entries included.
const onlyUs = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"

// privateDir is where scripts lie while they run.
type privateDir struct {
	path   string
	access *windows.SecurityAttributes
}

func newPrivateDir(path string) (privateDir, error) {
	descriptor, err := windows.SecurityDescriptorFromString(onlyUs)
	if err != nil {
		return privateDir{}, err
	}
	d := privateDir{path: path, access: &windows.SecurityAttributes{SecurityDescriptor: descriptor}}
	d.access.Length = uint32(unsafe.Sizeof(*d.access))
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return privateDir{}, err
	}
	err = windows.CreateDirectory(name, d.access)
	if errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return d, d.protect(descriptor)
	}
	return d, err
}

// protect sets the access of a directory that was there before, and removes the scripts of an agent that crashed.
func (d privateDir) protect(descriptor *windows.SECURITY_DESCRIPTOR) error {
	acl, _, err := descriptor.DACL()
	if err != nil {
		return err
	}
	err = windows.SetNamedSecurityInfo(d.path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil)
	if err != nil {
		return err
	}
	old, _ := filepath.Glob(filepath.Join(d.path, "run-*")) // the pattern is well-formed
	for _, file := range old {
		_ = os.Remove(file) // one that is in use stays
	}
	return nil
}

// write makes the file of one run. Its extension is one that the interpreter expects.
func (d privateDir) write(run, interpreter string, script []byte) (path string, err error) {
	path = filepath.Join(d.path, "run-"+run+extensionFor(interpreter))
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return "", err
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, d.access, windows.CREATE_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return "", &os.PathError{Op: "create", Path: path, Err: err}
	}
	file := os.NewFile(uintptr(handle), path)
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
