package process

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// becomeUser sets the user, the group and the supplementary groups of the child.
func (l *launch) becomeUser() error {
	if l.spec.RunAs == "" {
		return nil
	}
	u, own, err := lookupUser(l.spec.RunAs)
	if err != nil || own {
		return err
	}
	l.attr.Credential, err = credentialOf(u)
	if err != nil {
		return startErrorf("the groups of user %s can't be found: %s", u.Username, err).because(err)
	}
	return nil
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, 0, 2+len(groups))
	for _, text := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the id %q is no number", text)
		}
		ids = append(ids, uint32(id))
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1], Groups: ids[2:]}, nil
}

// Supports reports whether the host can hold what a job asks for, so that it is refused when it is
// stored and not ignored when it runs. The error is an *UnsupportedError, or nil.
func (h *Host) Supports(limits Limits) error {
	if limits.MemoryLimitBytes < 0 {
		return unsupportedf("memory_limit_bytes", "a limit can't be negative")
	}
	if limits.CPULimitPercent < 0 {
		return unsupportedf("cpu_limit_percent", "a limit can't be negative")
	}
	if why := h.caps.find(CapMemory); limits.MemoryLimitBytes > 0 && !why.Available {
		return unsupportedf("memory_limit_bytes", "this host can't limit a run's memory: %s",
			why.Detail)
	}
	if why := h.caps.find(CapCPU); limits.CPULimitPercent > 0 && !why.Available {
		return unsupportedf("cpu_limit_percent", "this host can't limit a run's processor time: %s",
			why.Detail)
	}
	if limits.Nice < -20 || limits.Nice > 19 {
		return unsupportedf("nice", "a priority is a number from -20 to 19")
	}
	if limits.Nice < 0 && os.Geteuid() != 0 {
		return unsupportedf("nice", "a priority below 0 needs an agent that runs as root")
	}
	return supportsUser(limits.RunAs)
}

func supportsUser(name string) error {
	if name == "" || os.Geteuid() == 0 {
		return nil
	}
	if current, err := user.Current(); err == nil && current.Username == name {
		return nil
	}
	return unsupportedf("run_as", "only an agent that runs as root can run as %s", name)
}
