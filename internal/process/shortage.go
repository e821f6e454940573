package process

// Shortage is what is known of processes that the kernel ended because memory ran out (the OOM
// killer), from the surest to the least sure.
type Shortage int

const (
	// ShortageNone is no sign of it.
	ShortageNone Shortage = iota
	// ShortageNearby is processes of the agent's cgroup, or of the host, that the kernel ended so
	// during the run. They may be the run's.
	ShortageNearby
	// ShortageOfHost is processes of the run, ended because the host, or a cgroup above the run,
	// had no memory left.
	ShortageOfHost
	// ShortageOfLimit is processes of the run, ended because the run reached its own memory limit.
	ShortageOfLimit
)
