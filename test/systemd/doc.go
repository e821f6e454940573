// Package systemd boots a real systemd for tests: in systemd-nspawn, on the host's own files, whose
// changes are kept in memory and gone with the machine. Tests copy into it what they install, run
// commands inside, and read units and the journal. Its own tests try each way in which the agent
// can die under deploy/systemd/gusty.service.
//
// The machine has mounts, processes, a network and cgroups of its own. A janitor (boot.sh) outlives
// the test, however that ends, and leaves nothing of the machine behind.
package systemd
