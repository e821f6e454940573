// Package hostinfo measures the host and this process.
//
// The figures come from independent collectors. A collector may take long or hang for good (the
// statfs of a mount whose server is gone does), so collecting is split in two: Collect does the
// looking, on a goroutine of its own, and gives a function that writes what it saw into a Figures.
// That function is quick and is run by whoever owns the Figures, who may as well drop it when it
// comes too late.
//
// On Linux the collectors that run at every sample read /proc into buffers that they keep: a sample
// of all of them costs well under a millisecond of processor time. What is asked once, and
// everything on other systems, comes from gopsutil.
package hostinfo

import (
	"context"
	"time"
)

// Figures is what the collectors found. A collector writes its own fields only; a field that no
// collector of this system fills is zero.
type Figures struct {
	MemoryPercent float64 // of physical memory: used is total less available, as free(1) shows it
	// of all cores, since this collector's last look; the first look counts from the boot of the
	// host
	CPUPercent float64
	// of the data directory's file system, of what an unprivileged user could use, as df(1) shows
	// it
	DiskPercent   float64
	UptimeSeconds uint64 // of the host

	OSName        string // "Debian GNU/Linux"
	OSVersion     string // "12"
	KernelVersion string // "6.1.0-18-amd64"
	Hostname      string
	// the address that a packet to the outside would leave from; empty where there is none
	IP string

	CPUCount             int // logical processors that are online
	Load1, Load5, Load15 float64
	MemoryTotalBytes     uint64
	MemoryUsedBytes      uint64
	MemoryAvailableBytes uint64
	SwapTotalBytes       uint64
	SwapUsedBytes        uint64
	DiskTotalBytes       uint64
	DiskUsedBytes        uint64
	DiskFreeBytes        uint64 // what an unprivileged user could still write
	NetReceivedBytes     uint64 // since boot, over all interfaces but the loopback
	NetSentBytes         uint64
	Processes            uint64
	BootTimeSeconds      uint64 // Unix time

	Process Process

	// "rustc 1.75.0 (82e1608df 2023-12-21)"; empty where there is none on the path
	RustVersion     string
	RustInstallPath string // the directory of that rustc
}

// Process is what this process uses.
type Process struct {
	ResidentBytes    uint64
	VirtualBytes     uint64
	CPUSeconds       float64 // user and system, since its start
	OpenFDs          uint64
	MaxFDs           uint64 // the soft limit; on Windows, where there is none, 0
	Threads          uint64
	Goroutines       uint64
	HeapBytes        uint64 // live and not yet swept objects
	StartTimeSeconds uint64 // Unix time
}

// Collector measures some of the figures.
type Collector struct {
	Name     string
	Deadline time.Duration // after which its figures count as stale
	// what it finds does not change while the host is up: after one success it need not run again
	Once bool
	// Collect looks, and gives a function that writes what it saw; nothing is written where it
	// fails. It may ignore ctx and never return, as a system call on a dead network mount does. It
	// keeps state between calls: no call may begin before the last one has returned.
	Collect func(ctx context.Context) (apply func(*Figures), err error)
}

// The deadlines. All but the last two take microseconds on a healthy host.
const (
	quickDeadline = 2 * time.Second
	diskDeadline  = 5 * time.Second
	// a rustup proxy may first read its whole toolchain settings from a cold disk
	lookupDeadline = 15 * time.Second
)

// Collectors returns this system's collectors, new and without state. dataDir is the directory
// whose file system counts as the disk.
func Collectors(dataDir string) []Collector {
	return append(systemCollectors(),
		Collector{Name: "disk", Deadline: diskDeadline, Collect: diskCollector(dataDir)},
		Collector{Name: "address", Deadline: quickDeadline, Collect: collectAddress},
		Collector{Name: "rust", Deadline: lookupDeadline, Once: true, Collect: collectRust},
	)
}

// percent returns part of whole in percent, within 0 to 100.
func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(100, 100*float64(part)/float64(whole))
}

// less returns a - b, or 0 where that is negative: counters that are read one after the other may
// disagree by a little.
func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
