package hostinfo

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const statSample = `cpu  1000 20 300 5000 600 0 40 50 7 0
cpu0 500 10 150 2500 300 0 20 25 4 0
cpu1 500 10 150 2500 300 0 20 25 3 0
intr 12345 0 9 0
ctxt 100
btime 1700000000
processes 4242
`

func TestParseStat(t *testing.T) {
	got := parseStat([]byte(statSample))
	want := procStat{
		ticks:    cpuTicks{1000, 20, 300, 5000, 600, 0, 40, 50},
		cores:    2,
		bootTime: 1700000000,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProcessorUse(t *testing.T) {
	last := cpuTicks{1000, 20, 300, 5000, 600, 0, 40, 50}
	for name, c := range map[string]struct {
		now  cpuTicks
		want float64
	}{
		"busy":                     {cpuTicks{1100, 20, 300, 5000, 600, 0, 40, 50}, 100},
		"idle":                     {cpuTicks{1000, 20, 300, 5100, 600, 0, 40, 50}, 0},
		"waiting for a disk":       {cpuTicks{1000, 20, 300, 5000, 700, 0, 40, 50}, 0},
		"half":                     {cpuTicks{1020, 20, 310, 5050, 600, 0, 50, 60}, 50},
		"no time has passed":       {last, 0},
		"iowait steps back":        {cpuTicks{1050, 20, 300, 5050, 590, 0, 40, 50}, 50},
		"counters that began anew": {cpuTicks{}, 0},
	} {
		if got := c.now.useSince(last); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v %%, want %v", name, got, c.want)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got := parseMemory([]byte("MemTotal:        4000 kB\nMemFree: 1 kB\nMemAvailable:    1000 " +
		"kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\nHugePages_Total:  0\n"))
	var f Figures
	got.apply(&f)
	if f.MemoryPercent != 75 || f.MemoryUsedBytes != 3000<<10 || f.SwapUsedBytes != 50<<10 ||
		f.SwapTotalBytes != 200<<10 {
		t.Errorf("got %+v", f)
	}
}

func TestParseNetworkLeavesOutTheLoopback(t *testing.T) {
	received, sent := parseNetwork([]byte(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9000000 100 0 0 0 0 0 0 9000000 100 0 0 0 0 0 0
  eth0:18446744073709551615 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0
  eth1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`))
	if received != 0 || sent != 14 { // the first counter is one short of its wrap
		t.Errorf("received %d, sent %d", received, sent)
	}
}

func TestReadRelease(t *testing.T) {
	for name, c := range map[string]struct{ content, name, version string }{
		"quoted":   {"PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n", "Debian GNU/Linux", "12"},
		"plain":    {"NAME=Fedora\nVERSION_ID=40\n", "Fedora", "40"},
		"single":   {"NAME='Alpine Linux'\n  VERSION_ID=3.19.1", "Alpine Linux", "3.19.1"},
		"rolling":  {"# a comment\nNAME=\"Arch Linux\"\nID=arch\n", "Arch Linux", ""},
		"escaped":  {`NAME="A \"B\" \$C"` + "\n", `A "B" $C`, ""},
		"nameless": {"", "Linux", ""},
	} {
		gotName, gotVersion, err := readRelease(strings.NewReader(c.content))
		if err != nil || gotName != c.name || gotVersion != c.version {
			t.Errorf("%s: got %q %q %v, want %q %q", name, gotName, gotVersion, err, c.name,
				c.version)
		}
	}
}

// A file of any length is read whole: longer than the first buffer, and just as long.
func TestProcReaderReadsWholeFiles(t *testing.T) {
	var reader procReader
	for _, length := range []int{0, 1, 4095, 4096, 4097, 50000, 10} {
		path := filepath.Join(t.TempDir(), "file")
		want := strings.Repeat("x", length)
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := reader.read(path)
		if err != nil || string(got) != want {
			t.Errorf("read %d bytes of %d, error %v", len(got), length, err)
		}
	}
	if _, err := reader.read(filepath.Join(t.TempDir(), "missing")); !os.IsNotExist(err) {
		t.Errorf("error %v of a file that is missing", err)
	}
}

func TestCountEntriesCountsNumbersOnly(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1", "4242", "self", "x9", "cpuinfo"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var reader procReader
	if count, err := reader.countEntries(dir); count != 2 || err != nil {
		t.Errorf("counted %d, error %v", count, err)
	}
}

func FuzzProcFiles(f *testing.F) {
	f.Add([]byte(statSample))
	f.Add([]byte("eth0:1 2 3\nVmRSS:\t 5 kB\nMemTotal: 99999999999999999999999 kB\ncpu\n\n\n:"))
	f.Fuzz(func(_ *testing.T, content []byte) {
		// none of them may fail or run out of bounds, whatever a kernel prints
		parseStat(content)
		parseNetwork(content)
		parseMemory(content)
		parseStatus(content, &Process{})
		countNumbers(content)
	})
}
