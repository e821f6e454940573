package process

import (
	"errors"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// attributeJobList is PROC_THREAD_ATTRIBUTE_JOB_LIST: the process is born in the job (Windows 10,
// Server 2016).
const attributeJobList = 0x0002000D

func (l *launch) birth() (*windows.ProcessInformation, error) {
	attributes, err := windows.NewProcThreadAttributeList(2)
	if err != nil {
		return nil, err
	}
	defer attributes.Delete()
	handles := l.inherited()
	err = errors.Join(
		attributes.Update(attributeJobList, unsafe.Pointer(&l.job), unsafe.Sizeof(l.job)),
		attributes.Update(windows.PROC_THREAD_ATTRIBUTE_HANDLE_LIST, unsafe.Pointer(&handles[0]),
			uintptr(len(handles))*unsafe.Sizeof(handles[0])),
	)
	if err != nil {
		return nil, err
	}
	startup := windows.StartupInfoEx{ProcThreadAttributeList: attributes.List()}
	startup.Cb = uint32(unsafe.Sizeof(startup))
	startup.Flags = windows.STARTF_USESTDHANDLES
	startup.StdInput, startup.StdOutput, startup.StdErr = l.std[0], l.std[1], l.std[2]
	return l.create(&startup.StartupInfo)
}

// inherited lists each handle once, as the system demands.
func (l *launch) inherited() []windows.Handle {
	return append([]windows.Handle{l.host.null}, l.lent...)
}

func (l *launch) create(startup *windows.StartupInfo) (*windows.ProcessInformation, error) {
	path, errPath := windows.UTF16PtrFromString(l.path)
	line, errLine := windows.UTF16PtrFromString(l.line)
	if err := errors.Join(errPath, errLine); err != nil {
		return nil, err
	}
	var dir *uint16
	if l.spec.Dir != "" {
		var err error
		if dir, err = windows.UTF16PtrFromString(l.spec.Dir); err != nil {
			return nil, err
		}
	}
	flags := uint32(windows.CREATE_UNICODE_ENVIRONMENT | windows.CREATE_NEW_PROCESS_GROUP |
		windows.EXTENDED_STARTUPINFO_PRESENT)
	born := new(windows.ProcessInformation)
	l.begun = time.Now()
	err := windows.CreateProcess(path, line, nil, nil, true, flags|priorityClass(l.spec.Nice),
		environmentBlock(l.spec.Env), dir, startup, born)
	return born, err
}

// environmentBlock is each entry with its end, and one more end.
func environmentBlock(env []string) *uint16 {
	var block []uint16
	for _, e := range compactEnv(env) {
		for _, r := range e {
			block = utf16.AppendRune(block, r)
		}
		block = append(block, 0)
	}
	block = append(block, 0, 0)
	return &block[0]
}

// priorityClass maps the 40 steps of Unix to what Windows has.
func priorityClass(nice int) uint32 {
	switch {
	case nice <= -10:
		return windows.HIGH_PRIORITY_CLASS
	case nice < 0:
		return windows.ABOVE_NORMAL_PRIORITY_CLASS
	case nice == 0:
		return windows.NORMAL_PRIORITY_CLASS
	case nice < 15:
		return windows.BELOW_NORMAL_PRIORITY_CLASS
	default:
		return windows.IDLE_PRIORITY_CLASS
	}
}
