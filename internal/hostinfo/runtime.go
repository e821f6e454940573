package hostinfo

import "runtime/metrics"

// runtimeFigures reads the figures of the Go runtime without stopping the world, which
// runtime.ReadMemStats does.
type runtimeFigures struct{ samples [2]metrics.Sample }

func newRuntimeFigures() *runtimeFigures {
	r := &runtimeFigures{}
	r.samples[0].Name = "/sched/goroutines:goroutines"
	r.samples[1].Name = "/memory/classes/heap/objects:bytes"
	return r
}

func (r *runtimeFigures) read() (goroutines, heapBytes uint64) {
	metrics.Read(r.samples[:])
	return r.samples[0].Value.Uint64(), r.samples[1].Value.Uint64()
}
