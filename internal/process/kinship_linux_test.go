package process

import (
	"os"
	"testing"
)

// TestRunsThatShareTheAgentsSessionAreNoKin has two runs of which one has a child in a group of its
// own, in every order of looking.
func TestRunsThatShareTheAgentsSessionAreNoKin(t *testing.T) {
	self := os.Getpid()
	agent := stat{parent: self - 1, group: self, session: self}
	for range 100 {
		f := family{
			agent: agent, in: map[int]bool{}, groups: map[int]bool{},
			sessions: map[int]bool{}, all: map[int]stat{
				self:      agent,
				self + 10: {parent: self, group: self + 10, session: self},
				self + 11: {parent: self + 10, group: self + 11, session: self},
				self + 12: {parent: self + 11, group: self + 12, session: self + 12},
				self + 13: {parent: self, group: self + 13, session: self + 12},
				self + 20: {parent: self, group: self + 20, session: self},
				self + 21: {parent: self, group: self, session: self},
			},
		}
		f.take(self+10, f.all[self+10])
		for f.grow() {
		}
		if len(f.in) != 4 || f.in[self] || f.in[self+20] || f.in[self+21] {
			t.Fatalf("the family is %v, the agent is %d", f.in, self)
		}
	}
}
