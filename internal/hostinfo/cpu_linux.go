package hostinfo

import (
	"bytes"
	"context"
)

// cpuCollector reads /proc/stat: the use of all cores since its last look, their number, and when
// the host booted.
type cpuCollector struct {
	proc procReader
	last cpuTicks
}

func (c *cpuCollector) collect(context.Context) (func(*Figures), error) {
	const path = "/proc/stat"
	content, err := c.proc.read(path)
	if err != nil {
		return nil, err
	}
	stat := parseStat(content)
	if stat.cores == 0 || stat.bootTime == 0 {
		return nil, shapeError(path)
	}
	use := stat.ticks.useSince(c.last)
	c.last = stat.ticks
	return func(f *Figures) {
		f.CPUPercent, f.CPUCount, f.BootTimeSeconds = use, stat.cores, stat.bootTime
	}, nil
}

// procStat is what this package takes from /proc/stat.
type procStat struct {
	ticks    cpuTicks
	cores    int
	bootTime uint64 // Unix time in seconds
}

func parseStat(content []byte) (stat procStat) {
	lines := scanner{content}
	for line, ok := lines.line(); ok; line, ok = lines.line() {
		switch key := line.word(); {
		case string(key) == "cpu":
			for i := range stat.ticks {
				stat.ticks[i] = line.number()
			}
		case bytes.HasPrefix(key, []byte("cpu")):
			stat.cores++
		case string(key) == "btime":
			stat.bootTime = line.number()
		}
	}
	return stat
}

// cpuTicks are the times of proc(5): user, nice, system, idle, iowait, irq, softirq, steal. The
// guest times behind them are part of user and nice already.
type cpuTicks [8]uint64

const (
	tickIdle   = 3
	tickIOWait = 4
)

// useSince returns the share of time in percent that was not idle. A processor that waits for I/O
// is idle. Some of the counters may step back a little (proc(5) says so of iowait): that counts as
// no time.
func (t cpuTicks) useSince(last cpuTicks) float64 {
	var total, idle uint64
	for i := range t {
		spent := less(t[i], last[i])
		total += spent
		if i == tickIdle || i == tickIOWait {
			idle += spent
		}
	}
	return percent(total-idle, total)
}
