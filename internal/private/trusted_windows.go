package private

import (
	"slices"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// accounts are those who may have what is private.
type accounts struct {
	owner   string   // of what this process makes
	granted []string // who gets an entry in its list
	trusted []string // whose files and entries are accepted
}

// ours is found once: neither the process's user nor the service's account changes while it runs.
//
//nolint:gochecknoglobals // a constant of the process
var ours = sync.OnceValues(findAccounts)

func findAccounts() (a accounts, err error) {
	token := windows.GetCurrentProcessToken()
	user, err := token.GetTokenUser()
	if err != nil {
		return a, err
	}
	self := user.User.Sid.String()
	groups, err := token.GetTokenGroups()
	if err != nil {
		return a, err
	}
	a.granted = []string{sidSystem, sidAdministrators, serviceSID(ServiceName)}
	if account := registeredAccount(); account != "" {
		a.granted = with(a.granted, account)
	}
	a.trusted = with(a.granted, self)
	// What an administrator makes belongs to the administrators: the agent may be a console's today
	// and a service tomorrow.
	if a.owner = sidAdministrators; !ownsAsAdministrator(groups) {
		a.owner, a.granted = self, a.trusted
	}
	return a, nil
}

func with(sids []string, sid string) []string {
	if slices.Contains(sids, sid) {
		return sids
	}
	return append(slices.Clip(sids), sid)
}

// ownsAsAdministrator reports whether the token may make the administrators the owner of what it
// makes.
func ownsAsAdministrator(groups *windows.Tokengroups) bool {
	const needed = windows.SE_GROUP_ENABLED | windows.SE_GROUP_OWNER
	return slices.ContainsFunc(groups.AllGroups(), func(g windows.SIDAndAttributes) bool {
		return g.Attributes&needed == needed &&
			g.Sid.IsWellKnown(windows.WinBuiltinAdministratorsSid)
	})
}

// registeredAccount returns the SID of the account that the service is registered with, "" where
// there is no such service. Only an administrator can register one.
func registeredAccount() string {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseServiceHandle(manager) }() // it was only read
	name, err := windows.UTF16PtrFromString(ServiceName)
	if err != nil {
		return ""
	}
	service, err := windows.OpenService(manager, name, windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseServiceHandle(service) }()
	return accountOf(service)
}

func accountOf(service windows.Handle) string {
	buf := make([]uint64, 1024) // 8 KiB, the most that a configuration takes; aligned for pointers
	config, needed := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0])), uint32(0)
	if err := windows.QueryServiceConfig(service, config, uint32(len(buf)*8), &needed); err != nil {
		return ""
	}
	name := windows.UTF16PtrToString(config.ServiceStartName)
	if name == "" || strings.EqualFold(name, "LocalSystem") {
		return sidSystem
	}
	name = strings.TrimPrefix(name, `.\`)
	sid, _, _, err := windows.LookupSID("", name)
	if err != nil {
		return ""
	}
	return sid.String()
}

// accountName returns the name of an account with its SID behind it, or the SID alone where nobody
// knows it.
func accountName(sid string) string {
	parsed, err := windows.StringToSid(sid)
	if err != nil {
		return sid
	}
	name, domain, _, err := parsed.LookupAccount("")
	if err != nil || name == "" {
		return sid
	}
	if domain != "" {
		name = domain + `\` + name
	}
	return name + " (" + sid + ")"
}

func accountNames(sids []string) string {
	names := make([]string, len(sids))
	for i, sid := range sids {
		names[i] = accountName(sid)
	}
	return strings.Join(names, ", ")
}
