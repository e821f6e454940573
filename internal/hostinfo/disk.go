package hostinfo

import (
	"context"
	"fmt"

	"github.com/shirou/gopsutil/v3/disk"
)

// diskCollector measures the file system that dir lies in.
func diskCollector(dir string) func(context.Context) (func(*Figures), error) {
	return func(ctx context.Context) (func(*Figures), error) {
		usage, err := disk.UsageWithContext(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("usage of the file system of %s: %w", dir, err)
		}
		return func(f *Figures) {
			f.DiskPercent = usage.UsedPercent
			f.DiskTotalBytes, f.DiskUsedBytes, f.DiskFreeBytes = usage.Total, usage.Used, usage.Free
		}, nil
	}
}
