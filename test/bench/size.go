//go:build linux

package main

import (
	"context"
	"os"
)

// sizeGoal is the promised size of the stripped executable.
const sizeGoal = 20_000_000

func measureSize(_ context.Context, b *bench) ([]figure, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, err
	}
	return []figure{memory("size of gustyd", info.Size(), sizeGoal, "")}, nil
}
