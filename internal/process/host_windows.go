package process

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// Host starts processes in the way that this machine allows. One agent has one.
type Host struct {
	log     *slog.Logger
	caps    capabilities
	scripts privateDir
	null    windows.Handle // inheritable
	starts  starts
	pieces  *sync.Pool
	lingers lingerers
	unnamed serial
}

// NewHost probes the machine and makes the private directory. The error is that of a machine that
// can't run anything.
func NewHost(o HostOptions) (*Host, error) {
	if o.PrivateDir == "" {
		return nil, errors.New("scripts need a private directory")
	}
	scripts, err := newPrivateDir(o.PrivateDir, o.Logger)
	if err != nil {
		return nil, fmt.Errorf("the private directory %s for scripts: %w", o.PrivateDir, err)
	}
	null, err := openNull()
	if err != nil {
		return nil, fmt.Errorf("standard input for scripts: %w", err)
	}
	h := &Host{
		log:     o.Logger,
		scripts: scripts,
		null:    null,
		starts:  newStarts(),
		pieces:  newPieces(),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.caps.probed(CapJobObject, probeJob(),
		"a run is ended whole, and its memory and processor time are limited") {
		h.caps.add(CapMemory, true, "by the job object")
		h.caps.add(CapCPU, true, "by the job object")
	}
	h.caps.add(CapRunAs, false, "Windows needs a password for another user's processes")
	return h, nil
}

// Close releases what NewHost took. Runs should have ended.
func (h *Host) Close() error { return windows.CloseHandle(h.null) }

// reapSoon has nothing to do: Windows keeps no exited process for a parent.
func (h *Host) reapSoon() {}

func openNull() (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(os.DevNull)
	if err != nil {
		return 0, err
	}
	return windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE,
		inheritable(), windows.OPEN_EXISTING, 0, 0)
}

func probeJob() error {
	job, err := newJob(&Spec{})
	if err != nil {
		return fmt.Errorf("the system makes no job object: %w", err)
	}
	return windows.CloseHandle(job)
}

// Supports reports whether the host can hold what a job asks for, so that it is refused when it is
// stored and not ignored when it runs. The error is an *UnsupportedError, or nil.
func (h *Host) Supports(limits Limits) error {
	switch jobs := h.caps.find(CapJobObject); {
	case limits.RunAs != "":
		return unsupportedf("run_as", "on Windows a run has the agent's own user: another one "+
			"would need its password")
	case limits.Nice < -20 || limits.Nice > 19:
		return unsupportedf("nice", "a priority is a number from -20 to 19")
	case limits.MemoryLimitBytes < 0 || limits.MemoryLimitBytes > 0 && !jobs.Available:
		return unsupportedf("memory_limit_bytes", "this host can't limit a run's memory: %s",
			jobs.Detail)
	case limits.CPULimitPercent < 0 || limits.CPULimitPercent > 0 && !jobs.Available:
		return unsupportedf("cpu_limit_percent", "this host can't limit a run's processor time: %s",
			jobs.Detail)
	}
	return nil
}

func (h *Host) asOfNow(caps capabilities) []Capability { return caps }
