package footprint

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const smapsSample = `00400000-00a5e000 r-xp 00000000 fe:01 1234                               /opt/a b/gustyd
Size:               6520 kB
Rss:                2340 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00a5e000-01100000 r--p 0065e000 fe:01 1234                               /opt/a b/gustyd
Size:               6792 kB
Anonymous:             0 kB
01100000-01160000 rw-p 00d00000 fe:01 1234                               /opt/a b/gustyd
Size:                384 kB
Anonymous:             0 kB
01160000-01170000 r--p 00d60000 fe:01 1234                               /opt/a b/gustyd
Size:                 64 kB
Anonymous:             4 kB
01170000-01180000 r--s 00d60000 fe:01 1234                               /opt/a b/gustyd
Anonymous:             0 kB
7f0000000000-7f0000010000 r--p 00000000 fe:01 99                         /lib/libc.so
Anonymous:             0 kB
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
Anonymous:            12 kB
7ffd00100000-7ffd00101000 r--p 00000000 00:00 0 
Anonymous:             0 kB
`

func TestReadOnlyLeavesOutWhatWasOrCanBeWritten(t *testing.T) {
	want := []mapping{{0x400000, 0xa5e000}, {0xa5e000, 0x1100000}}
	if got := readOnly(strings.NewReader(smapsSample), "/opt/a b/gustyd"); !slices.Equal(got,
		want) {
		t.Errorf("got %#x, want %#x", got, want)
	}
	if got := readOnly(strings.NewReader(smapsSample), "/opt/other"); got != nil {
		t.Errorf("got %#x of a file that is not mapped", got)
	}
}

func FuzzReadOnly(f *testing.F) {
	f.Add(smapsSample, "/opt/a b/gustyd")
	f.Add("1-0 r-xp 0 0 0 x\nAnonymous: 0 kB\n", "x")
	f.Add("-\n-- r-xp\n", "")
	f.Fuzz(func(t *testing.T, smaps, path string) {
		for _, m := range readOnly(strings.NewReader(smaps), path) {
			if m.start >= m.end {
				t.Errorf("%#x is no range", m)
			}
		}
	})
}

// The process that runs this test trims itself, and goes on: its code and constants are read again
// from the file.
func TestTrimGivesBackTheExecutable(t *testing.T) {
	before := readOnly(openSmaps(t), executable(t))
	if len(before) < 2 {
		t.Fatalf("found %d read-only mappings of the executable, want its code and its constants",
			len(before))
	}
	touched := residentFile(t)
	Trim()
	trimmed := residentFile(t)
	t.Logf("resident pages of files: %d kB before, %d kB after", touched, trimmed)
	if trimmed >= touched {
		t.Errorf("resident pages of files: %d kB before, %d kB after", touched, trimmed)
	}
}

func TestRemote(t *testing.T) {
	if remote(t.TempDir()) {
		t.Skip("the temporary directory lies on another machine")
	}
	if !remote("/missing") {
		t.Error("a file that is not there counts as one that can be read again")
	}
}

func BenchmarkShed(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Shed()
	}
}

func BenchmarkTrim(b *testing.B) {
	for b.Loop() {
		Trim()
	}
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func openSmaps(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// residentFile returns RssFile of this process in kB.
func residentFile(t *testing.T) (kilobytes int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	for _, c := range strings.TrimSpace(rest) {
		if c < '0' || c > '9' {
			break
		}
		kilobytes = 10*kilobytes + int(c-'0')
	}
	return kilobytes
}
