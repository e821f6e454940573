package messages

import "time"

// Requests about the host's figures.
type (
	// GetSample asks for the last sample. Reply: *Sample.
	GetSample struct{}
	// SendHeartbeat queues a heartbeat document, where an endpoint is set. Reply: HeartbeatQueued.
	SendHeartbeat struct {
		ID     string
		Origin Origin
	}
	// HeartbeatQueued says that the document is durable in the outbox, or that no endpoint is set.
	HeartbeatQueued struct {
		ID     string
		Queued bool
	}
)

// Sample is one look at the host and the agent. It is immutable: a later sample is another value.
type Sample struct {
	At            time.Time
	MemoryPercent float32 // of the host, 0 to 100
	CPUPercent    float32 // of all cores, 0 to 100, since the sample before
	DiskPercent   float32 // of the file system of the data directory, 0 to 100
	UptimeSeconds uint64  // of the host

	OSName, OSVersion, KernelVersion string
	// IP: the address that a packet to the outside would leave from; empty where there is none
	Hostname, IP                 string
	RustVersion, RustInstallPath string

	Host    HostFigures
	Process ProcessFigures
	// Stale names the collectors whose figures are older than this sample, because they missed
	// their deadline or failed.
	Stale []string
}

// HostFigures are the `host` object of /agent/metric.
type HostFigures struct {
	CPUCount             int      `json:"cpu_count"`
	Load1                float64  `json:"load1"`
	Load5                float64  `json:"load5"`
	Load15               float64  `json:"load15"`
	MemoryTotalBytes     uint64   `json:"memory_total_bytes"`
	MemoryUsedBytes      uint64   `json:"memory_used_bytes"`
	MemoryAvailableBytes uint64   `json:"memory_available_bytes"`
	SwapTotalBytes       uint64   `json:"swap_total_bytes"`
	SwapUsedBytes        uint64   `json:"swap_used_bytes"`
	DiskTotalBytes       uint64   `json:"disk_total_bytes"`
	DiskUsedBytes        uint64   `json:"disk_used_bytes"`
	DiskFreeBytes        uint64   `json:"disk_free_bytes"`
	NetReceivedBytes     uint64   `json:"net_received_bytes_total"`
	NetSentBytes         uint64   `json:"net_sent_bytes_total"`
	Processes            uint64   `json:"processes"`
	BootTimeSeconds      uint64   `json:"boot_time_unix_seconds"`
	StaleCollectors      []string `json:"stale_collectors"`
	SampledAt            string   `json:"sampled_at"` // RFC 3339, UTC, milliseconds
}

// ProcessFigures are the `process` object of /agent/metric.
type ProcessFigures struct {
	PID              int     `json:"pid"`
	ResidentBytes    uint64  `json:"resident_memory_bytes"`
	VirtualBytes     uint64  `json:"virtual_memory_bytes"`
	CPUSeconds       float64 `json:"cpu_seconds_total"`
	OpenFDs          uint64  `json:"open_fds"`
	MaxFDs           uint64  `json:"max_fds"`
	Threads          uint64  `json:"threads"`
	Goroutines       uint64  `json:"goroutines"`
	HeapBytes        uint64  `json:"heap_bytes"`
	UptimeSeconds    uint64  `json:"uptime_seconds"`
	StartTimeSeconds uint64  `json:"start_time_unix_seconds"`
}
