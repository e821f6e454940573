package hostinfo

import (
	"context"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sample runs every collector of a new set once.
func sample(t *testing.T, dir string) Figures {
	t.Helper()
	var f Figures
	for _, c := range Collectors(dir) {
		collect(t, c, &f)
	}
	return f
}

func collect(t *testing.T, c Collector, f *Figures) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), c.Deadline)
	defer cancel()
	apply, err := c.Collect(ctx)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	apply(f)
}

// run returns the fields of the line of a command's output that begins with prefix.
func run(t *testing.T, prefix, name string, arguments ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, arguments...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s: %v", name, err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, prefix) {
			return strings.Fields(line)
		}
	}
	t.Fatalf("%s printed no line that begins with %q:\n%s", name, prefix, out)
	return nil
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func expectNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s is %.6g, want %.6g ± %.3g", what, got, want, tolerance)
	}
}

func TestMemoryAgreesWithFree(t *testing.T) {
	f := sample(t, t.TempDir())
	columns := run(t, "Mem:", "free", "--bytes") // total used free shared buff/cache available
	total, available := number(t, columns[1]), number(t, columns[6])
	swap := run(t, "Swap:", "free", "--bytes")
	expectNear(t, "total", float64(f.MemoryTotalBytes), total, 0)
	expectNear(t, "available", float64(f.MemoryAvailableBytes), available, 0.05*total)
	expectNear(t, "use", f.MemoryPercent, 100*(total-available)/total, 5)
	expectNear(t, "swap", float64(f.SwapTotalBytes), number(t, swap[1]), 0)
}

func TestDiskAgreesWithDf(t *testing.T) {
	dir := t.TempDir()
	f := sample(t, dir)
	columns := run(t, "/", "df", "--block-size=1", "--output=target,size,used,avail,pcent", dir)
	size, used, available := number(t, columns[1]), number(t, columns[2]), number(t, columns[3])
	expectNear(t, "size", float64(f.DiskTotalBytes), size, 0)
	expectNear(t, "used", float64(f.DiskUsedBytes), used, 0.02*size)
	expectNear(t, "free", float64(f.DiskFreeBytes), available, 0.02*size)
	// df rounds up
	expectNear(t, "use", f.DiskPercent, number(t, strings.TrimSuffix(columns[4], "%"))-0.5, 2)
}

// One core that spins for a moment shows as 1/n of all cores, whatever else the machine does: it
// may leave the spinning a part of that core only.
func TestProcessorUseIsOfAllCores(t *testing.T) {
	const spin = 300 * time.Millisecond
	var before, after Figures
	c := new(cpuCollector)
	cpu := Collector{Name: "cpu", Deadline: quickDeadline, Collect: c.collect}
	collect(t, cpu, &before)
	begun, first := time.Now(), c.last
	for had := processorTime(t); processorTime(t)-had < spin; {
		_ = percent(1, 2)
	}
	collect(t, cpu, &after)
	took := time.Since(begun)
	cores, share := float64(after.CPUCount), min(1, float64(spin)/float64(took))
	if after.CPUPercent < 70*share/cores || after.CPUPercent > 100 {
		t.Errorf("use is %.1f %% of %g cores after %s, for %s of which one of them span",
			after.CPUPercent, cores, took, spin)
	}
	var spent uint64
	for i := range c.last {
		spent += less(c.last[i], first[i])
	}
	ticks := 100 * took.Seconds() * cores
	expectNear(t, "time of all cores in ticks", float64(spent), ticks, ticks/2)
	expectNear(t, "cores", cores, number(t, run(t, "", "getconf", "_NPROCESSORS_ONLN")[0]), 0)
}

// processorTime is what this process has had of all cores.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestSystemFigures(t *testing.T) {
	f := sample(t, t.TempDir())
	uptime := number(t, run(t, "", "cat", "/proc/uptime")[0])
	expectNear(t, "uptime", float64(f.UptimeSeconds), uptime, 2)
	expectNear(t, "boot time", float64(f.BootTimeSeconds), float64(time.Now().Unix())-uptime, 3)
	if want := run(t, "", "uname", "-r")[0]; f.KernelVersion != want {
		t.Errorf("kernel version %q, want %q", f.KernelVersion, want)
	}
	if want := run(t, "", "uname", "-n")[0]; f.Hostname != want {
		t.Errorf("host name %q, want %q", f.Hostname, want)
	}
	if f.OSName == "" {
		t.Error("no name of the operating system")
	}
	if _, err := netip.ParseAddr(f.IP); f.IP != "" && err != nil {
		t.Errorf("address %q: %v", f.IP, err)
	}
	if f.Processes < 2 || f.Load1 < 0 {
		t.Errorf("%d processes, load %v", f.Processes, f.Load1)
	}
}

func TestOwnProcess(t *testing.T) {
	held, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	p := sample(t, t.TempDir()).Process
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	expectNear(t, "open descriptors", float64(p.OpenFDs), float64(len(entries)), 3)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	expectNear(t, "most descriptors", float64(p.MaxFDs), float64(limit.Cur), 0)
	if p.ResidentBytes < 1<<20 || p.VirtualBytes < p.ResidentBytes || p.Threads == 0 ||
		p.Goroutines == 0 || p.HeapBytes == 0 {
		t.Errorf("not of a Go process: %+v", p)
	}
	if age := time.Now().Unix() - int64(p.StartTimeSeconds); age < 0 || age > 600 {
		t.Errorf("started %d s ago", age)
	}
	if p.CPUSeconds <= 0 {
		t.Errorf("%v s of processor time", p.CPUSeconds)
	}
}

// Both ways of counting descriptors give the same, where the kernel has both.
func TestDescriptorsAreCountedAlike(t *testing.T) {
	c := newSelfCollector()
	quick, err := c.openFDs()
	if err != nil {
		t.Fatal(err)
	}
	counted, err := c.proc.countEntries("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	expectNear(t, "descriptors", float64(quick), float64(less(counted, 1)), 1)
}

func TestADirectoryThatIsGoneIsAnError(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := diskCollector(missing)(t.Context()); err == nil ||
		!strings.Contains(err.Error(), missing) {
		t.Errorf("error %v does not name the directory", err)
	}
}

func TestBootID(t *testing.T) {
	first, err := BootID()
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := BootID(); len(first) != 36 || second != first {
		t.Errorf("boot id %q, then %q", first, second)
	}
}

// BenchmarkSample is what one sample costs: all collectors but those that run once.
func BenchmarkSample(b *testing.B) {
	var f Figures
	collectors := Collectors(b.TempDir())
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range collectors {
			if c.Once {
				continue
			}
			apply, err := c.Collect(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			apply(&f)
		}
	}
}

// BenchmarkCollector tells which of them costs what.
func BenchmarkCollector(b *testing.B) {
	for _, c := range Collectors(b.TempDir()) {
		if c.Once {
			continue
		}
		b.Run(c.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Collect(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
