package private

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// descriptorFor returns the security descriptor of a new file, or of a new directory, whose entries
// what is made in it inherits.
func descriptorFor(a accounts, isDir bool) (*windows.SECURITY_DESCRIPTOR, error) {
	inherit := ""
	if isDir {
		inherit = "OICI"
	}
	var text strings.Builder
	text.WriteString("O:" + a.owner + "D:P")
	for _, sid := range a.granted {
		fmt.Fprintf(&text, "(A;%s;FA;;;%s)", inherit, sid)
	}
	return windows.SecurityDescriptorFromString(text.String())
}

// attributesFor returns what CreateFile and CreateDirectory take.
func attributesFor(isDir bool) (*windows.SecurityAttributes, error) {
	a, err := ours()
	if err != nil {
		return nil, fmt.Errorf("ask for the process's user: %w", err)
	}
	descriptor, err := descriptorFor(a, isDir)
	if err != nil {
		return nil, fmt.Errorf("make an access list: %w", err)
	}
	attributes := &windows.SecurityAttributes{SecurityDescriptor: descriptor}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	return attributes, nil
}

// readAccess returns the owner and the list of what is open.
func readAccess(h windows.Handle) (*access, error) {
	const what = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	descriptor, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, what)
	if err != nil {
		return nil, fmt.Errorf("read the access list: %w", err)
	}
	control, _, err := descriptor.Control()
	if err != nil {
		return nil, fmt.Errorf("read the access list: %w", err)
	}
	a := &access{protected: control&windows.SE_DACL_PROTECTED != 0}
	if owner, _, err := descriptor.Owner(); err == nil && owner != nil {
		a.owner = owner.String()
	}
	list, _, err := descriptor.DACL()
	if err != nil || list == nil {
		a.open = true
		return a, nil //nolint:nilerr // the error says that there is no list
	}
	return a, a.readEntries(list)
}

func (a *access) readEntries(list *windows.ACL) error {
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return fmt.Errorf("read the access list: %w", err)
		}
		e := entry{kind: ace.Header.AceType, flags: ace.Header.AceFlags, mask: uint32(ace.Mask)}
		if e.kind == kindAllow || e.kind == kindDeny {
			e.sid = (*windows.SID)(unsafe.Pointer(&ace.SidStart)).String()
		} else {
			e.sid = fmt.Sprintf("an entry of kind %d", e.kind)
		}
		a.entries = append(a.entries, e)
	}
	return nil
}

// writeAccess returns what is open our list and, where it is protected, nothing from the directory
// above. The owner stays. What is below keeps what it has. (SetSecurityInfo would give it the new
// entries too, one by one, while others are still at work there.)
func writeAccess(h windows.Handle, isDir, protected bool) error {
	a, err := ours()
	if err != nil {
		return fmt.Errorf("ask for the process's user: %w", err)
	}
	descriptor, err := descriptorFor(a, isDir)
	if err != nil {
		return fmt.Errorf("make an access list: %w", err)
	}
	what := windows.SECURITY_INFORMATION(
		windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION,
	)
	if !protected {
		what = windows.DACL_SECURITY_INFORMATION | windows.UNPROTECTED_DACL_SECURITY_INFORMATION
		if err := descriptor.SetControl(windows.SE_DACL_PROTECTED, 0); err != nil {
			return fmt.Errorf("make an access list: %w", err)
		}
	}
	if err := windows.SetKernelObjectSecurity(h, what, descriptor); err != nil {
		return fmt.Errorf("write the access list: %w", err)
	}
	return nil
}
