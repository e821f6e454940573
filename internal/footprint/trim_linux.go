package footprint

import (
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Trim returns to the system the heap that is not in use, and then does what Shed does. It runs two
// collections, which on a heap of a few megabytes takes some milliseconds of processor time: call
// it when there is something to give back, not by the clock.
func Trim() {
	// the first collection only moves the content of each sync.Pool to its victim cache, the next
	// one frees it
	runtime.GC()
	debug.FreeOSMemory()
	Shed()
}

// Shed releases the resident pages of the executable's read-only mappings. It takes some tenths of
// a millisecond, and what the program then uses comes back in pieces of 64 KiB at about a
// microsecond each: cheap enough to be called after each round of periodic work, which is what else
// makes them resident again.
//
// It is safe because those pages are a cache of the file: they are mapped from it, cannot be
// written and never were (see readOnly), so each is, byte for byte, what the file holds, and at the
// next touch the kernel maps it again, from the page cache as a rule. It is what the kernel itself
// does under memory pressure. A file that is replaced by a rename, as an update does, stays mapped
// with its old content; one that is overwritten in place breaks a running program with or without
// this. An executable that lies on another machine is left alone. Nothing depends on success: a
// mapping that can't be given back stays.
func Shed() {
	const self = "/proc/self/exe"
	executable, err := os.Readlink(self)
	if err != nil || remote(self) {
		return
	}
	mappings, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range readOnly(mappings, executable) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_MADVISE, m.start, m.end-m.start,
			syscall.MADV_DONTNEED)
	}
	_ = mappings.Close() // opened to be read only: nothing can be lost
}

// pageFaults counts the page faults of this process that needed no input: a page came to be
// resident by each of them.
func pageFaults() uint64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return uint64(usage.Minflt)
}
