package actors

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

// bytesPerJob is what the agent may keep of one job in memory.
const bytesPerJob = 400

func TestAJobCostsLittleMemory(t *testing.T) {
	for name, expression := range map[string]func(int) string{
		"few expressions":  func(i int) string { return fmt.Sprintf("%d %d * * * *", i%60, i/60%24) },
		"one for each job": func(i int) string { return fmt.Sprintf("%d %d %d %d * *", i%60, i/60%60, i/3600%24, 1+i/86400) },
		"the longer the way": func(i int) string {
			return fmt.Sprintf("%d %d %d-23/2 1,2,%d * ?", i%60, i/60%60, i/3600%24, 3+i/86400)
		},
	} {
		t.Run(name, func(t *testing.T) { costOfAJob(t, expression) })
	}
}

func costOfAJob(t *testing.T, expression func(int) string) {
	const jobs = 100_000
	a := newAgenda()
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	before := heapBytes()
	for i := range jobs {
		// Every text is a copy of its own, as it comes out of a row.
		head := messages.JobHead{
			Name: fmt.Sprintf("a job of a usual length %06d", i), CronExpression: expression(i),
			TimeZone: strings.Clone("UTC"), Enabled: true,
			OverlapPolicy: messages.OverlapPolicy(strings.Clone("queue")),
			MisfirePolicy: messages.MisfirePolicy(strings.Clone("run_once")),
			MisfireGrace:  time.Minute,
			State: messages.JobState{
				PlannedThrough: now,
				Anchor:         now,
				BootID:         strings.Clone("3f1c8a52-8f6e-4bb5-9f35-1f4f4f3f9d11"),
			},
		}
		a.put(&head, now)
	}
	a.sortedNames()
	if each := (heapBytes() - before) / jobs; each > bytesPerJob {
		t.Errorf("a job costs %d bytes, at most %d are allowed", each, bytesPerJob)
	} else {
		t.Logf("a job costs %d bytes", each)
	}
	runtime.KeepAlive(a)
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
