package actors

import (
	"testing"
	"time"
)

func TestRateMeter(t *testing.T) {
	var m rateMeter
	at := time.Unix(1_800_000_000, 0)
	for range 20 { // ten minutes
		m.add(60, at)
		at = at.Add(30 * time.Second)
	}
	if got := m.rate(at); got != 2 && got != 1 { // the span that begins is not whole
		t.Errorf("60 documents every 30 s are %v a second", got)
	}
	if got := m.rate(at.Add(2 * time.Minute)); got != 0 {
		t.Errorf("two minutes later they are %v", got)
	}
	at = at.Add(-24 * time.Hour)
	for range 20 {
		m.add(60, at)
		at = at.Add(30 * time.Second)
	}
	if got := m.rate(at); got > 2 {
		t.Errorf("after the clock was set back they are %v", got)
	}
}
