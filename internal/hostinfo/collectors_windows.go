package hostinfo

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/net"
	"github.com/shirou/gopsutil/v3/process"
)

// systemCollectors leaves out the load averages: Windows has none, and gopsutil would start a
// thread that samples for them for ever.
func systemCollectors() []Collector {
	return []Collector{
		{Name: "cpu", Deadline: quickDeadline, Collect: new(cpuCollector).collect},
		{Name: "memory", Deadline: quickDeadline, Collect: collectMemory},
		{Name: "network", Deadline: quickDeadline, Collect: collectNetwork},
		{Name: "processes", Deadline: quickDeadline, Collect: collectProcesses},
		{Name: "system", Deadline: quickDeadline, Collect: collectSystem},
		{Name: "os", Deadline: lookupDeadline, Once: true, Collect: collectOS},
		{Name: "self", Deadline: quickDeadline, Collect: newSelfCollector().collect},
	}
}

// cpuCollector compares the times of all cores with those of its last look.
type cpuCollector struct{ last cpu.TimesStat }

func (c *cpuCollector) collect(ctx context.Context) (func(*Figures), error) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return nil, fmt.Errorf("processor times: %w", err)
	}
	idle := times[0].Idle - c.last.Idle
	busy := times[0].User + times[0].System - c.last.User - c.last.System
	c.last = times[0]
	return func(f *Figures) {
		f.CPUCount = runtime.NumCPU()
		if busy >= 0 && idle >= 0 && busy+idle > 0 {
			f.CPUPercent = 100 * busy / (busy + idle)
		}
	}, nil
}

func collectMemory(ctx context.Context) (func(*Figures), error) {
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	swap, err := mem.SwapMemoryWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("swap: %w", err)
	}
	return func(f *Figures) {
		f.MemoryTotalBytes, f.MemoryUsedBytes, f.MemoryAvailableBytes =
			memory.Total, memory.Used, memory.Available
		f.MemoryPercent = percent(memory.Used, memory.Total)
		f.SwapTotalBytes, f.SwapUsedBytes = swap.Total, swap.Used
	}, nil
}

func collectNetwork(ctx context.Context) (func(*Figures), error) {
	counters, err := net.IOCountersWithContext(ctx, false)
	if err != nil || len(counters) == 0 {
		return nil, fmt.Errorf("network counters: %w", err)
	}
	return func(f *Figures) {
		f.NetReceivedBytes, f.NetSentBytes = counters[0].BytesRecv, counters[0].BytesSent
	}, nil
}

func collectProcesses(ctx context.Context) (func(*Figures), error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("processes: %w", err)
	}
	return func(f *Figures) { f.Processes = uint64(len(pids)) }, nil
}

func collectSystem(ctx context.Context) (func(*Figures), error) {
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("host name: %w", err)
	}
	uptime, err := host.UptimeWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("uptime: %w", err)
	}
	boot, err := host.BootTimeWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("boot time: %w", err)
	}
	return func(f *Figures) {
		f.Hostname, f.UptimeSeconds, f.BootTimeSeconds = hostname, uptime, boot
	}, nil
}

func collectOS(ctx context.Context) (func(*Figures), error) {
	platform, _, version, err := host.PlatformInformationWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("operating system: %w", err)
	}
	kernel, err := host.KernelVersionWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("kernel version: %w", err)
	}
	return func(f *Figures) {
		f.OSName, f.OSVersion, f.KernelVersion = platform, version, kernel
	}, nil
}
