//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(values, share); got != want {
			t.Errorf("quantile %g of 1 to 100 is %d, want %d", share, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("the median of nothing is %d", got)
	}
}

// TestLags reads times that are late, on time and early, against a due time at the begin or in the
// middle of each second.
func TestLags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lags")
	if err := os.WriteFile(file,
		[]byte("1700000000.003000\n1700000001.000000\n1700000001.999000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := lags(file, 0)
	if want := []time.Duration{3 * time.Millisecond, 0, -time.Millisecond}; err != nil ||
		!slices.Equal(got, want) {
		t.Errorf("lags are %v (%v), want %v", got, err, want)
	}
	if err := os.WriteFile(file, []byte("1700000000,502500\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = lags(file, time.Second/2)
	if want := []time.Duration{2500 * time.Microsecond}; err != nil || !slices.Equal(got, want) {
		t.Errorf("lags are %v (%v), want %v", got, err, want)
	}
}
