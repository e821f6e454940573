package hostinfo

import (
	"bytes"
	"context"
	"fmt"
	"syscall"
)

// ticksPerSecond is USER_HZ, in which /proc/<pid>/stat counts: 100 on every architecture that Go
// has for Linux.
const ticksPerSecond = 100

// selfCollector measures this process.
type selfCollector struct {
	proc    procReader
	runtime *runtimeFigures
	started uint64 // Unix time in seconds; 0: not looked up yet
}

func newSelfCollector() *selfCollector { return &selfCollector{runtime: newRuntimeFigures()} }

func (c *selfCollector) collect(context.Context) (func(*Figures), error) {
	if c.started == 0 {
		started, err := c.lookUpStart()
		if err != nil {
			return nil, err
		}
		c.started = started
	}
	p := Process{StartTimeSeconds: c.started}
	p.Goroutines, p.HeapBytes = c.runtime.read()
	if err := c.measure(&p); err != nil {
		return nil, err
	}
	return func(f *Figures) { f.Process = p }, nil
}

func (c *selfCollector) measure(p *Process) (err error) {
	content, err := c.proc.read("/proc/self/status")
	if err != nil {
		return err
	}
	parseStatus(content, p)
	if p.CPUSeconds, err = cpuSeconds(); err != nil {
		return err
	}
	if p.MaxFDs, err = maxFDs(); err != nil {
		return err
	}
	p.OpenFDs, err = c.openFDs()
	return err
}

// parseStatus takes what it needs of lines such as "VmRSS:\t    6892 kB".
func parseStatus(content []byte, p *Process) {
	const kibibyte = 1024
	lines := scanner{content}
	for line, ok := lines.line(); ok; line, ok = lines.line() {
		switch string(line.word()) {
		case "VmSize:":
			p.VirtualBytes = line.number() * kibibyte
		case "VmRSS:":
			p.ResidentBytes = line.number() * kibibyte
		case "Threads:":
			p.Threads = line.number()
		}
	}
}

func cpuSeconds() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9, nil
}

func maxFDs() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("getrlimit: %w", err)
	}
	return limit.Cur, nil
}

// openFDs counts the open descriptors. From Linux 6.2 on the size of the directory is their number;
// before, it is 0 and they are counted, less the one that reads them.
func (c *selfCollector) openFDs() (uint64, error) {
	const path = "/proc/self/fd"
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		return 0, fmt.Errorf("stat %s: %w", path, err)
	}
	if stat.Size > 0 {
		return uint64(stat.Size), nil
	}
	count, err := c.proc.countEntries(path)
	return less(count, 1), err
}

// lookUpStart finds when this process started: field 22 of its stat counts ticks from the boot. The
// fields are counted from behind the name, field 2, which stands in parentheses and may hold
// anything.
func (c *selfCollector) lookUpStart() (uint64, error) {
	const path = "/proc/self/stat"
	content, err := c.proc.read(path)
	if err != nil {
		return 0, err
	}
	fields := scanner{content[bytes.LastIndexByte(content, ')')+1:]}
	fields.skip(22 - 3)
	ticks := fields.number()
	content, err = c.proc.read("/proc/stat")
	if err != nil {
		return 0, err
	}
	boot := parseStat(content).bootTime
	if ticks == 0 || boot == 0 {
		return 0, shapeError(path)
	}
	return boot + ticks/ticksPerSecond, nil
}
