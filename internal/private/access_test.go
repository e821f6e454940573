package private

import (
	"slices"
	"testing"
)

const (
	sidUsers = "S-1-5-32-545"
	sidAgent = "S-1-5-21-1-2-3-1001"
	fullSet  = 0x1f01ff
	readSet  = 0x1200a9
)

func allow(sid string, mask uint32, flags uint8) entry { return entry{kindAllow, flags, sid, mask} }

func TestStrangersAndWriters(t *testing.T) {
	trusted := []string{sidSystem, sidAdministrators, sidAgent}
	users, everyone := []string{sidUsers}, []string{sidEveryone}
	for name, c := range map[string]struct {
		open               bool
		further            []entry // beside our own
		strangers, writers []string
	}{
		"our own list":          {},
		"no list at all":        {open: true, strangers: everyone, writers: everyone},
		"users read":            {further: []entry{allow(sidUsers, readSet, 0)}, strangers: users},
		"users read, inherited": {further: []entry{allow(sidUsers, readSet, flagInherited)}, strangers: users},
		"users add files, as in ProgramData": {
			further:   []entry{allow(sidUsers, rightWriteData|rightAppendData, flagInherited|2)},
			strangers: users,
		},
		"users may set the list": {
			further: []entry{allow(sidUsers, rightWriteDAC, 0)}, strangers: users, writers: users,
		},
		"all, by a generic right": {
			further:   []entry{allow(sidEveryone, rightGenericAll, 11)},
			strangers: everyone, writers: everyone,
		},
		"reading, by a generic right": {
			further: []entry{allow(sidEveryone, 0x80000000, 0)}, strangers: everyone,
		},
		"attributes alone": {further: []entry{allow(sidEveryone, harmless, 0)}},
		"nothing":          {further: []entry{allow(sidEveryone, 0, 0)}},
		"a refusal":        {further: []entry{{kindDeny, 0, sidUsers, fullSet}}},
		"who makes a file": {further: []entry{allow(sidCreatorOwner, fullSet, 11)}},
		"who owns it":      {further: []entry{allow(sidOwnerRights, fullSet, 0)}},
		"an entry with a condition": {
			further: []entry{{9, 0, sidUsers, fullSet}}, strangers: users, writers: users,
		},
		"each once": {
			further: []entry{
				allow(sidUsers, 1, 0), allow(sidUsers, rightWriteData, 0), allow(sidEveryone, 1, 0),
			},
			strangers: []string{sidUsers, sidEveryone}, writers: users,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := access{open: c.open}
			for _, sid := range trusted {
				a.entries = append(a.entries, allow(sid, fullSet, 3))
			}
			a.entries = append(a.entries, c.further...)
			if got := a.strangers(trusted); !slices.Equal(got, c.strangers) {
				t.Errorf("strangers %q, want %q", got, c.strangers)
			}
			if got := a.writers(trusted); !slices.Equal(got, c.writers) {
				t.Errorf("writers %q, want %q", got, c.writers)
			}
		})
	}
}

// A list that is not protected can get entries from the directory above at any time.
func TestClosed(t *testing.T) {
	trusted, own := []string{sidSystem}, []entry{allow(sidSystem, fullSet, 0)}
	if !(&access{protected: true, entries: own}).isClosed(trusted) {
		t.Error("our own list counts as open")
	}
	for name, a := range map[string]access{
		"unprotected": {entries: own},
		"with others": {protected: true, entries: append(own, allow(sidUsers, readSet, 0))},
		"no list":     {protected: true, open: true},
	} {
		if a.isClosed(trusted) {
			t.Errorf("%s: it counts as closed", name)
		}
	}
}

func TestOwner(t *testing.T) {
	trusted := []string{sidSystem, sidAgent}
	for owner, want := range map[string]bool{
		sidSystem: true, sidAgent: true, sidUsers: false, "": false, sidAgent + "0": false,
	} {
		if got := (&access{owner: owner}).isOwnedBy(trusted); got != want {
			t.Errorf("owner %q: accepted %v, want %v", owner, got, want)
		}
	}
}

// The SID that Windows itself gives to a service that every host has.
func TestServiceSID(t *testing.T) {
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	if got := serviceSID("TrustedInstaller"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if serviceSID("GUSTY") != serviceSID(ServiceName) {
		t.Error("the case of a service's name counts")
	}
}
