package hostinfo

import (
	"context"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v3/process"
)

// selfCollector measures this process.
type selfCollector struct{ runtime *runtimeFigures }

func newSelfCollector() *selfCollector { return &selfCollector{runtime: newRuntimeFigures()} }

func (c *selfCollector) collect(ctx context.Context) (func(*Figures), error) {
	//nolint:gosec // a process id fits
	self, err := process.NewProcessWithContext(ctx, int32(os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("own process: %w", err)
	}
	p := Process{}
	p.Goroutines, p.HeapBytes = c.runtime.read()
	if err := measure(ctx, self, &p); err != nil {
		return nil, fmt.Errorf("own process: %w", err)
	}
	return func(f *Figures) { f.Process = p }, nil
}

func measure(ctx context.Context, self *process.Process, p *Process) error {
	memory, err := self.MemoryInfoWithContext(ctx)
	if err != nil {
		return err
	}
	p.ResidentBytes, p.VirtualBytes = memory.RSS, memory.VMS
	times, err := self.TimesWithContext(ctx)
	if err != nil {
		return err
	}
	p.CPUSeconds = times.User + times.System
	threads, err := self.NumThreadsWithContext(ctx)
	if err != nil {
		return err
	}
	p.Threads = uint64(threads)
	createdMilliseconds, err := self.CreateTimeWithContext(ctx)
	if err != nil {
		return err
	}
	p.StartTimeSeconds = uint64(createdMilliseconds) / 1000
	return nil
}
