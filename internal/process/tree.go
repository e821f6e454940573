package process

// tree is all processes of one run. Its methods are called under Process.treeLock, and not after
// release.
type tree interface {
	// ask sends the request to end to each process. Again says that it should be called once more,
	// soon: a process may not have heard it.
	ask() (again bool, err error)
	// kill ends every process at once, as far as it can see them now.
	kill() error
	// left counts the processes that live.
	left() int
	// leftBehind does that once the main process has exited; it is quick where there are none, and
	// may then overlook one.
	leftBehind() int
	// account fills in what the tree used, where it knows better than the main process's own
	// figures.
	account(*Result)
	// release frees what the tree holds. Processes that live on are left alone.
	release()
}
