package process

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// killedCode is the exit code of processes that kill ends, by which wait tells them from others.
const killedCode = 0xE0475354

// jobTree is a run as a Job Object: what its processes start is in it too, and can't leave it.
type jobTree struct {
	host   *Host
	job    windows.Handle
	group  uint32 // of the console
	script string // its file, if any
}

// ask sends a console break, which reaches only processes that share a console with the agent. The
// others are killed after the grace.
func (t *jobTree) ask() (again bool, err error) {
	// fails in a service, as said above
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, t.group)
	return false, nil
}

func (t *jobTree) kill() error { return windows.TerminateJobObject(t.job, killedCode) }

func (t *jobTree) left() int {
	account, err := queryJob[jobAccounting](t.job, windows.JobObjectBasicAccountingInformation)
	if err != nil {
		return 0
	}
	return int(account.activeProcesses)
}

func (t *jobTree) leftBehind() int { return t.left() }

func (t *jobTree) account(res *Result) {
	if used, err := queryJob[jobAccounting](t.job,
		windows.JobObjectBasicAccountingInformation); err == nil {
		res.CPUUser, res.CPUSystem = ticksOf100ns(used.totalUserTime), ticksOf100ns(
			used.totalKernelTime)
	}
	if limits, err := queryJob[windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION](t.job,
		windows.JobObjectExtendedLimitInformation); err == nil {
		res.MaxRSSBytes = int64(limits.PeakJobMemoryUsed)
	}
}

func ticksOf100ns(n int64) time.Duration { return time.Duration(n) * 100 }

func (t *jobTree) release() {
	_ = windows.CloseHandle(t.job) // what it left running lives on
	if t.script == "" {
		return
	}
	if err := os.Remove(t.script); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.host.log.Warn("a script's file could not be removed; it is when the agent starts again",
			"file", t.script, "error", err)
	}
}

// jobAccounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION of winnt.h.
type jobAccounting struct {
	totalUserTime, totalKernelTime int64    // 100 ns
	_                              [2]int64 // the same, of this period
	_                              [2]uint32
	activeProcesses                uint32
	_                              uint32
}

// jobCPURate is JOBOBJECT_CPU_RATE_CONTROL_INFORMATION of winnt.h.
type jobCPURate struct {
	controlFlags uint32
	cpuRate      uint32 // hundredths of a percent of all processors
}

const (
	cpuRateEnable  = 1
	cpuRateHardCap = 4
)

func queryJob[T any](job windows.Handle, class int32) (info T, err error) {
	err = windows.QueryInformationJobObject(job, class, uintptr(unsafe.Pointer(&info)),
		uint32(unsafe.Sizeof(info)), nil)
	return info, err
}

func setJob[T any](job windows.Handle, class uint32, info *T) error {
	_, err := windows.SetInformationJobObject(job, class, uintptr(unsafe.Pointer(info)),
		uint32(unsafe.Sizeof(*info)))
	return err
}

// newJob makes a job object with the limits of the spec.
func newJob(spec *Spec) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	if err := limitJob(job, spec); err != nil {
		return 0, errors.Join(err, windows.CloseHandle(job))
	}
	return job, nil
}

func limitJob(job windows.Handle, spec *Spec) error {
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
	if spec.MemoryLimitBytes > 0 {
		limits.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_JOB_MEMORY
		limits.JobMemoryLimit = uintptr(spec.MemoryLimitBytes)
	}
	err := setJob(job, windows.JobObjectExtendedLimitInformation, &limits)
	if err != nil || spec.CPULimitPercent <= 0 {
		return err
	}
	share := min(max(1, spec.CPULimitPercent*100/runtime.NumCPU()), 10_000)
	return setJob(job, windows.JobObjectCpuRateControlInformation,
		&jobCPURate{controlFlags: cpuRateEnable | cpuRateHardCap, cpuRate: uint32(share)})
}
