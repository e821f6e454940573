package hostinfo

import (
	"context"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
)

func systemCollectors() []Collector {
	return []Collector{
		{Name: "cpu", Deadline: quickDeadline, Collect: new(cpuCollector).collect},
		{Name: "memory", Deadline: quickDeadline, Collect: new(memoryCollector).collect},
		{Name: "load", Deadline: quickDeadline, Collect: collectLoad},
		{Name: "network", Deadline: quickDeadline, Collect: new(networkCollector).collect},
		{Name: "processes", Deadline: quickDeadline, Collect: new(processesCollector).collect},
		{Name: "system", Deadline: quickDeadline, Collect: collectSystem},
		{Name: "os", Deadline: quickDeadline, Once: true, Collect: collectOS},
		{Name: "self", Deadline: quickDeadline, Collect: newSelfCollector().collect},
	}
}

func collectLoad(ctx context.Context) (func(*Figures), error) {
	average, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("load average: %w", err)
	}
	return func(f *Figures) {
		f.Load1, f.Load5, f.Load15 = average.Load1, average.Load5, average.Load15
	}, nil
}

// collectSystem finds what may change while the host is up and costs one system call each.
func collectSystem(ctx context.Context) (func(*Figures), error) {
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("host name: %w", err)
	}
	uptime, err := host.UptimeWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("uptime: %w", err)
	}
	return func(f *Figures) { f.Hostname, f.UptimeSeconds = hostname, uptime }, nil
}

// processesCollector counts the processes, kernel threads included, as ps -e does.
type processesCollector struct{ proc procReader }

func (c *processesCollector) collect(context.Context) (func(*Figures), error) {
	count, err := c.proc.countEntries("/proc")
	if err != nil {
		return nil, err
	}
	return func(f *Figures) { f.Processes = count }, nil
}
