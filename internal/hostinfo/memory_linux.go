package hostinfo

import "context"

// memoryCollector reads /proc/meminfo.
type memoryCollector struct{ proc procReader }

func (c *memoryCollector) collect(context.Context) (func(*Figures), error) {
	const path = "/proc/meminfo"
	content, err := c.proc.read(path)
	if err != nil {
		return nil, err
	}
	m := parseMemory(content)
	if m.total == 0 {
		return nil, shapeError(path)
	}
	return m.apply, nil
}

// memory is in bytes.
type memory struct{ total, available, swapTotal, swapFree uint64 }

// parseMemory takes what it needs of lines such as "MemTotal:       24684512 kB".
func parseMemory(content []byte) (m memory) {
	const kibibyte = 1024
	lines := scanner{content}
	for line, ok := lines.line(); ok; line, ok = lines.line() {
		switch string(line.word()) {
		case "MemTotal:":
			m.total = line.number() * kibibyte
		case "MemAvailable:":
			m.available = line.number() * kibibyte
		case "SwapTotal:":
			m.swapTotal = line.number() * kibibyte
		case "SwapFree:":
			m.swapFree = line.number() * kibibyte
		}
	}
	return m
}

func (m memory) apply(f *Figures) {
	f.MemoryTotalBytes, f.MemoryAvailableBytes = m.total, m.available
	f.MemoryUsedBytes = less(m.total, m.available)
	f.MemoryPercent = percent(f.MemoryUsedBytes, m.total)
	f.SwapTotalBytes, f.SwapUsedBytes = m.swapTotal, less(m.swapTotal, m.swapFree)
}
