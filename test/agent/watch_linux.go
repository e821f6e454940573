package agent

import (
	"context"
	"sync"
	"time"
)

// WatchMemory reads a process's resident memory every interval until stop is called, which gives
// the highest that was seen, in bytes.
func WatchMemory(ctx context.Context, pid int, interval time.Duration) (stop func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var peak int64
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			if memory, err := ReadMemory(pid); err == nil {
				peak = max(peak, memory.Resident)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() int64 {
		cancel()
		done.Wait()
		return peak
	}
}
