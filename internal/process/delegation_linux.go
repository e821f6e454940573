package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// enable hands a controller on to the runs' cgroups. A cgroup that hands controllers on must not
// hold processes itself (but the root), so the agent moves to a leaf of its own where it is alone
// in its cgroup, as systemd leaves it with Delegate=yes.
func (p *cgroupParent) enable(controller string) error {
	if !lists(p.base+"/cgroup.controllers", controller) {
		return fmt.Errorf("the agent's cgroup %s has no %s controller: with systemd, set "+
			"Delegate=yes in the unit", p.base, controller)
	}
	err := p.handOn(p.base, controller)
	if errors.Is(err, unix.EBUSY) {
		if err = p.moveAgent(); err == nil {
			err = p.handOn(p.base, controller)
		}
	}
	if err == nil {
		err = p.handOn(p.path, controller)
	}
	if err != nil {
		return fmt.Errorf("the %s controller can't be handed on to runs: %w", controller, err)
	}
	return nil
}

// begin enables a controller for the first time. What could be enabled is kept so.
func (p *cgroupParent) begin(controller string) error {
	err := p.enable(controller)
	if err == nil {
		p.controllers = append(p.controllers, controller)
	}
	return err
}

func (p *cgroupParent) handOn(path, controller string) error {
	if lists(path+"/cgroup.subtree_control", controller) {
		return nil
	}
	return cgroup{path: path}.write("cgroup.subtree_control", "+"+controller)
}

func (p *cgroupParent) moveAgent() error {
	own := procsOf(p.base)
	if len(own) != 1 || own[0] != os.Getpid() {
		return fmt.Errorf("the agent shares its cgroup %s with other processes: %w", p.base,
			unix.EBUSY)
	}
	leaf := cgroup{path: p.path + "/" + agentLeaf}
	if err := os.Mkdir(leaf.path, 0o755); err != nil {
		return err
	}
	return leaf.write("cgroup.procs", strconv.Itoa(os.Getpid()))
}

// lists reports whether a file of blank-separated names has the name.
func lists(file, name string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for field := range strings.FieldsSeq(string(text)) {
		if field == name {
			return true
		}
	}
	return false
}
