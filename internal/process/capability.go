package process

import "slices"

// Capability is one thing that a host may or may not offer.
type Capability struct {
	Name      string // stable: "cgroup", "cgroup.kill", "memory controller", …
	Available bool
	Detail    string // where it was found, or why it is not there
}

// Names of the capabilities. A host lists those of its own system.
const (
	CapCgroup          = "cgroup"
	CapCgroupKill      = "cgroup.kill"
	CapMemory          = "memory controller"
	CapCPU             = "cpu controller"
	CapCgroupNamespace = "cgroup namespace"
	CapLimitMark       = "limit mark"
	CapDisinherit      = "clean inheritance"
	CapSubreaper       = "subreaper"
	CapMemfd           = "memfd"
	CapPidfd           = "pidfd"
	CapRunAs           = "run_as"
	CapJobObject       = "job object"
)

// capabilities is the list in the order of probing.
type capabilities []Capability

func (c *capabilities) add(name string, available bool, detail string) bool {
	*c = append(*c, Capability{Name: name, Available: available, Detail: detail})
	return available
}

// probed adds a capability that is there unless err says why not.
func (c *capabilities) probed(name string, err error, detail string) bool {
	if err != nil {
		return c.add(name, false, err.Error())
	}
	return c.add(name, true, detail)
}

func (c capabilities) find(name string) Capability {
	if i := slices.IndexFunc(c, func(one Capability) bool { return one.Name == name }); i >= 0 {
		return c[i]
	}
	return Capability{Name: name, Detail: "not known on this system"}
}
