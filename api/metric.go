package api

import (
	"bytes"
	"encoding/json"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"gusty/messages"
)

// metricAnswer is the body of GET /agent/metric: the Rust agent's figures under its names, and the
// whole sample beside them.
type metricAnswer struct {
	Memory        float32                 `json:"memory"`
	CPUUsage      float32                 `json:"cpu_usage"`
	RustVersion   string                  `json:"rust_version"`
	OSName        string                  `json:"os_name"`
	KernelVersion string                  `json:"kernel_version"`
	OSVersion     string                  `json:"os_version"`
	DiskUsage     float32                 `json:"disk_usage"`
	UpTime        uint64                  `json:"up_time"`
	Port          int                     `json:"port" schema:"minimum=0,maximum=65535"`
	Jobs          []string                `json:"jobs"`
	Host          messages.HostFigures    `json:"host"`
	Process       messages.ProcessFigures `json:"process"`
}

func newMetricAnswer(s *messages.Sample, port int, jobs []string) metricAnswer {
	out := metricAnswer{
		Memory: finite(s.MemoryPercent), CPUUsage: finite(s.CPUPercent),
		DiskUsage:   finite(s.DiskPercent),
		RustVersion: s.RustVersion, OSName: s.OSName, KernelVersion: s.KernelVersion,
		OSVersion: s.OSVersion,
		UpTime:    s.UptimeSeconds, Port: port, Jobs: notNil(jobs), Host: s.Host,
		Process: s.Process,
	}
	out.Host.StaleCollectors = notNil(out.Host.StaleCollectors)
	out.Host.Load1, out.Host.Load5, out.Host.Load15 = finite(out.Host.Load1), finite(
		out.Host.Load5), finite(out.Host.Load15)
	out.Process.CPUSeconds = finite(out.Process.CPUSeconds)
	return out
}

// finite returns 0 for what JSON has no number for.
func finite[T float32 | float64](f T) T {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return 0
	}
	return f
}

// notNil makes a missing list an empty one: null is no list.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// metricFreshness is how long a rendered answer is given without asking whether there is a later
// sample. Changes made over REST make it stale at once.
const metricFreshness = 200 * time.Millisecond

// metricCache holds the answer as it was last rendered: thousands of clients a second ask for what
// changes once in ten seconds.
type metricCache struct {
	refresh sync.Mutex
	last    atomic.Pointer[renderedMetric]
}

// renderedMetric is immutable.
type renderedMetric struct {
	body    []byte
	sample  *messages.Sample
	jobs    []string
	port    int
	changes uint64
	checked time.Time
}

func getMetric(r *request) error {
	body, err := r.metricBody()
	if err != nil {
		return err
	}
	r.http.SetContentType(mediaJSON)
	r.http.Response.SetBodyRaw(body) // never written to again
	return nil
}

// metricBody returns the last rendering while it is fresh. When it is not, one request renders anew
// and those that come meanwhile get the last, as long as nothing was changed since.
func (r *request) metricBody() ([]byte, error) {
	cache, changes := &r.server.metric, r.server.changes.Load()
	last := cache.last.Load()
	current := last != nil && last.changes == changes
	if current && r.start.Sub(last.checked) < metricFreshness {
		return last.body, nil
	}
	if !cache.refresh.TryLock() {
		if current {
			return last.body, nil
		}
		next, err := r.renderMetric(last, changes)
		if err != nil {
			return nil, err
		}
		return next.body, nil
	}
	defer cache.refresh.Unlock()
	next, err := r.renderMetric(last, changes)
	if err != nil {
		return nil, err
	}
	cache.last.Store(next)
	return next.body, nil
}

// renderMetric asks for the figures, and renders them where they are other than last time.
func (r *request) renderMetric(last *renderedMetric, changes uint64) (*renderedMetric, error) {
	sample, names, err := r.sampleAndNames()
	if err != nil {
		return nil, err
	}
	next := &renderedMetric{
		sample:  sample,
		jobs:    names,
		port:    r.server.options.Port(),
		changes: changes,
		checked: r.start,
	}
	if last != nil && last.sample == sample && last.port == next.port &&
		sameSlice(last.jobs, names) {
		next.body = last.body
		return next, nil
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(newMetricAnswer(sample, next.port, names)); err != nil {
		return nil, err
	}
	next.body = body.Bytes()
	return next, nil
}

func (r *request) sampleAndNames() (*messages.Sample, []string, error) {
	sample, err := ask[*messages.Sample](r, messages.GetSample{})
	if err != nil {
		return nil, nil, err
	}
	jobs, err := ask[messages.JobNames](r, messages.ListJobs{})
	if err != nil {
		return nil, nil, err
	}
	return sample, jobs.Names, nil
}

// sameSlice reports whether both are the same list, and not only equal ones.
func sameSlice(a, b []string) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}
