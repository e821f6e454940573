//go:build faults

package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// crashAsBuilt lets the process crash when a test asks for it: at once, and from then on, where the
// directory $GUSTY_FAULTS holds a file named crash, in the way that its text names. The file is
// removed, so that the next start is well. This is no part of a release.
func crashAsBuilt() {
	file := filepath.Join(os.Getenv("GUSTY_FAULTS"), "crash")
	crashOnce(file)
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			crashOnce(file)
		}
	}()
}

func crashOnce(file string) {
	text, err := os.ReadFile(file)
	if err != nil || os.Remove(file) != nil {
		return
	}
	switch string(text) {
	case "panic":
		panic("injected by a test")
	case "stack":
		debug.SetMaxStack(1 << 20) // else it takes a gigabyte
		overflow(0)
	case "map":
		writeTogether()
	case "memory":
		allocate()
	}
}

// overflow ends in "stack overflow".
func overflow(n int) int { return overflow(n+1) + n }

// writeTogether ends in "concurrent map writes".
func writeTogether() {
	shared := map[int]int{}
	write := func() {
		for i := 0; ; i++ {
			shared[i%64] = i
		}
	}
	go write()
	write()
}

// allocate ends in "out of memory", under a limit of the process's data.
func allocate() {
	var held [][]byte
	for {
		held = append(held, make([]byte, 1<<20))
		clear(held[len(held)-1]) // the memory is used, not only asked for
	}
}
