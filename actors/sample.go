package actors

import (
	"os"
	"time"

	"gusty/internal/hostinfo"
	"gusty/messages"
)

// noRust is what the Rust agent's clients read where no compiler is on the path.
const noRust = "Not Found"

// sampleOf makes the immutable sample of the figures as they stand.
func sampleOf(f *hostinfo.Figures, stale []string, now time.Time) *messages.Sample {
	rust := f.RustVersion
	if rust == "" {
		rust = noRust
	}
	if stale == nil {
		stale = []string{}
	}
	return &messages.Sample{
		At: now, MemoryPercent: float32(f.MemoryPercent), CPUPercent: float32(f.CPUPercent),
		DiskPercent:   float32(f.DiskPercent),
		UptimeSeconds: f.UptimeSeconds, OSName: f.OSName, OSVersion: f.OSVersion,
		KernelVersion: f.KernelVersion,
		Hostname:      f.Hostname, IP: f.IP, RustVersion: rust, RustInstallPath: f.RustInstallPath,
		Stale: stale,
		Host: messages.HostFigures{
			CPUCount: f.CPUCount, Load1: f.Load1, Load5: f.Load5, Load15: f.Load15,
			MemoryTotalBytes: f.MemoryTotalBytes, MemoryUsedBytes: f.MemoryUsedBytes,
			MemoryAvailableBytes: f.MemoryAvailableBytes,
			SwapTotalBytes:       f.SwapTotalBytes, SwapUsedBytes: f.SwapUsedBytes,
			DiskTotalBytes: f.DiskTotalBytes, DiskUsedBytes: f.DiskUsedBytes,
			DiskFreeBytes:    f.DiskFreeBytes,
			NetReceivedBytes: f.NetReceivedBytes, NetSentBytes: f.NetSentBytes,
			Processes:       f.Processes,
			BootTimeSeconds: f.BootTimeSeconds, StaleCollectors: stale,
			SampledAt: now.UTC().Format(timeFormat),
		},
		Process: messages.ProcessFigures{
			PID: os.Getpid(), ResidentBytes: f.Process.ResidentBytes,
			VirtualBytes: f.Process.VirtualBytes, CPUSeconds: f.Process.CPUSeconds,
			OpenFDs: f.Process.OpenFDs, MaxFDs: f.Process.MaxFDs, Threads: f.Process.Threads,
			Goroutines: f.Process.Goroutines,
			HeapBytes:  f.Process.HeapBytes, StartTimeSeconds: f.Process.StartTimeSeconds,
			UptimeSeconds: uint64(max(0, now.Unix()-int64(f.Process.StartTimeSeconds))),
		},
	}
}
