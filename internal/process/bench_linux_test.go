package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stampScript prints the time of its first instruction in microseconds.
const stampScript = "echo $EPOCHREALTIME\n"

func sinceStamp(b testing.TB, begun time.Time, out []byte) time.Duration {
	b.Helper()
	micros, err := strconv.ParseInt(strings.NewReplacer(".", "", ",", "", "\n",
		"").Replace(string(out)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.UnixMicro(micros).Sub(begun)
}

func startByHost(b testing.TB, h *Host, i int) time.Duration {
	b.Helper()
	var out bytes.Buffer
	begun := time.Now()
	p, err := h.Start(Spec{
		Interpreter: "bash", Script: []byte(stampScript), Env: testEnv(),
		Mark: fmt.Sprintf("bench-%d", i), Stdout: &out, Stderr: &out,
	})
	if err != nil {
		b.Fatal(err)
	}
	p.Wait()
	return sinceStamp(b, begun, out.Bytes())
}

func startBare(b testing.TB, file string) time.Duration {
	b.Helper()
	var out bytes.Buffer
	begun := time.Now()
	cmd := exec.Command("/usr/bin/bash", file)
	cmd.Env, cmd.Stdout, cmd.Stderr = testEnv(), &out, new(bytes.Buffer)
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return sinceStamp(b, begun, out.Bytes())
}

func quantile(all []time.Duration, q float64) float64 {
	slices.Sort(all)
	return float64(all[int(float64(len(all)-1)*q)]) / float64(time.Millisecond)
}

// BenchmarkFirstInstruction compares the way from Start to the script's first instruction with that
// of a bare os/exec, taking turns.
func BenchmarkFirstInstruction(b *testing.B) {
	file := filepath.Join(b.TempDir(), "script")
	if err := os.WriteFile(file, []byte(stampScript), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, kind := range map[string]markKind{
		"cgroup":    markCgroup,
		"namespace": markNamespace,
		"kinship":   markKinship,
	} {
		b.Run(name, func(b *testing.B) {
			h := newTestHost(b, kind)
			var ours, bare []time.Duration
			for i := 0; b.Loop(); i++ {
				ours = append(ours, startByHost(b, h, i))
				bare = append(bare, startBare(b, file))
			}
			p50, base50 := quantile(ours, .5), quantile(bare, .5)
			p99, base99 := quantile(ours, .99), quantile(bare, .99)
			b.ReportMetric(p50, "p50-ms")
			b.ReportMetric(p50/base50, "p50-ratio")
			b.ReportMetric(p99, "p99-ms")
			b.ReportMetric(p99/base99, "p99-ratio")
		})
	}
}

// BenchmarkThousandRuns compares a thousand short runs, four at a time, with the same loop over
// os/exec, taking turns.
func BenchmarkThousandRuns(b *testing.B) {
	file := filepath.Join(b.TempDir(), "script")
	if err := os.WriteFile(file, []byte("true\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	const runs, atOnce = 1000, 4
	for name, kind := range map[string]markKind{
		"cgroup":    markCgroup,
		"namespace": markNamespace,
		"kinship":   markKinship,
	} {
		b.Run(name, func(b *testing.B) {
			h := newTestHost(b, kind)
			var ours, bare time.Duration
			for b.Loop() {
				begun := time.Now()
				inParallel(atOnce, runs, func(i int) { shortRun(b, h, i) })
				ours += time.Since(begun)
				begun = time.Now()
				inParallel(atOnce, runs, func(int) { bareRun(b, file) })
				bare += time.Since(begun)
			}
			b.ReportMetric(runs*float64(b.N)/ours.Seconds(), "runs/s")
			b.ReportMetric(float64(ours)/float64(bare), "time-ratio")
		})
	}
}

func shortRun(b testing.TB, h *Host, i int) {
	var out, errs bytes.Buffer
	p, err := h.Start(Spec{
		Interpreter: "bash",
		Script:      []byte("true\n"),
		Env:         testEnv(),
		Mark:        fmt.Sprintf("b-%d", i),
		Stdout:      &out,
		Stderr:      &errs,
	})
	if err != nil {
		b.Error(err)
		return
	}
	p.Wait()
}

func bareRun(b testing.TB, file string) {
	var out, errs bytes.Buffer
	cmd := exec.Command("/usr/bin/bash", file)
	cmd.Env, cmd.Stdout, cmd.Stderr = testEnv(), &out, &errs
	if err := cmd.Run(); err != nil {
		b.Error(err)
	}
}

// BenchmarkHundredPrinters reports the memory of this process while a hundred scripts print a
// megabyte a second each.
func BenchmarkHundredPrinters(b *testing.B) {
	h := bestHost(b)
	script := `exec 9<> <(:); x=$(printf '%*s' 99999 ''); for i in {1..40}; do echo "$x"; read -rt .1 -u 9; done`
	for b.Loop() {
		counts := make([]countingWriter, 100)
		var peak int
		var runs []*Process
		for i := range counts {
			p, err := h.Start(Spec{
				Interpreter: "bash",
				Script:      []byte(script),
				Env:         testEnv(),
				Stdout:      &counts[i],
				Stderr:      &counts[i],
			})
			if err != nil {
				b.Fatal(err)
			}
			runs = append(runs, p)
		}
		for _, p := range runs {
			p.Wait()
			peak = max(peak, residentKB(b))
		}
		for i := range counts {
			if counts[i] != 4_000_000 {
				b.Errorf("%d bytes", counts[i])
			}
		}
		b.ReportMetric(float64(peak)/1024, "MB-resident")
	}
}

type countingWriter int

func (w *countingWriter) Write(data []byte) (int, error) {
	*w += countingWriter(len(data))
	return len(data), nil
}

// residentKB is the peak since the process began.
func residentKB(b testing.TB) int {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return kb
}
