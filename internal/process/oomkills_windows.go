package process

// noteShortage has nothing to do: Windows ends no process for want of memory.
func (p *Process) noteShortage(*Result) {}
