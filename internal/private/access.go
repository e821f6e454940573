package private

import "slices"

// Well-known SIDs.
const (
	sidSystem         = "S-1-5-18"
	sidAdministrators = "S-1-5-32-544"
	sidCreatorOwner   = "S-1-3-0" // in an entry that children inherit: whoever makes the child
	sidOwnerRights    = "S-1-3-4"
	sidEveryone       = "S-1-1-0"
)

// Kinds and flags of entries, and rights, as Windows numbers them (winnt.h).
const (
	kindAllow = 0
	kindDeny  = 1

	flagInherited = 0x10

	rightWriteData       = 0x2 // of a directory: add a file
	rightAppendData      = 0x4 // of a directory: add a directory
	rightReadAttributes  = 0x80
	rightReadExtended    = 0x8
	rightWriteExtended   = 0x10
	rightDeleteChild     = 0x40
	rightWriteAttributes = 0x100
	rightDelete          = 0x10000
	rightReadControl     = 0x20000
	rightWriteDAC        = 0x40000
	rightWriteOwner      = 0x80000
	rightSynchronize     = 0x100000
	rightGenericAll      = 0x10000000
	rightGenericWrite    = 0x40000000
)

// harmless are the rights that tell nothing of a file's content and change nothing.
const harmless = rightReadControl | rightSynchronize | rightReadAttributes | rightReadExtended

// changing are the rights by which an account can change a file, put one into a directory, or give
// itself more rights.
const changing = rightWriteData | rightAppendData | rightWriteExtended | rightDeleteChild |
	rightWriteAttributes | rightDelete | rightWriteDAC | rightWriteOwner | rightGenericAll |
	rightGenericWrite

// access is the owner and the access list of a file or a directory.
type access struct {
	owner     string // a SID
	open      bool   // it has no list at all, which lets everyone do everything
	protected bool   // it takes no entries from the directory above
	entries   []entry
}

// entry is one entry of an access list. One of another kind than allow and deny (a condition, an
// object's part) counts as an allowing one.
type entry struct {
	kind  uint8
	flags uint8
	sid   string
	mask  uint32
}

// isClosed reports whether the list lets nobody in beside the trusted accounts, and stays so.
func (a *access) isClosed(trusted []string) bool {
	return a.protected && len(a.strangers(trusted)) == 0
}

// isOwnedBy reports whether one of the trusted accounts is the owner.
func (a *access) isOwnedBy(trusted []string) bool { return slices.Contains(trusted, a.owner) }

// strangers returns the accounts beside the trusted ones that can read or change something.
func (a *access) strangers(trusted []string) []string {
	return a.granted(trusted, func(e entry) bool { return e.mask&^harmless != 0 })
}

// writers returns the accounts beside the trusted ones that were given the right to change
// something here, on purpose: by an entry that does not come from the directory above.
func (a *access) writers(trusted []string) []string {
	return a.granted(
		trusted,
		func(e entry) bool { return e.flags&flagInherited == 0 && e.mask&changing != 0 },
	)
}

func (a *access) granted(trusted []string, counts func(entry) bool) (sids []string) {
	if a.open {
		return []string{sidEveryone}
	}
	for _, e := range a.entries {
		known := slices.Contains(trusted, e.sid) || e.sid == sidCreatorOwner ||
			e.sid == sidOwnerRights
		if e.kind != kindDeny && !known && counts(e) && !slices.Contains(sids, e.sid) {
			sids = append(sids, e.sid)
		}
	}
	return sids
}
