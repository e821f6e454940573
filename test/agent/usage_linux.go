package agent

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTicks is the unit of the times in /proc/<pid>/stat: 100 a second on every Linux that Go runs
// on (proc(5), USER_HZ).
const clockTicks = 100

// Memory is what the kernel counts as the process's resident memory, in bytes.
type Memory struct {
	Resident int64 // VmRSS
	Peak     int64 // VmHWM: the highest Resident since the process started
	Anon     int64 // RssAnon: heap and stacks
	File     int64 // RssFile: pages of the executable and of the database's map
}

// ReadMemory reads /proc/<pid>/status.
func ReadMemory(pid int) (Memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	for name, to := range map[string]*int64{
		"VmRSS":   &m.Resident,
		"VmHWM":   &m.Peak,
		"RssAnon": &m.Anon,
		"RssFile": &m.File,
	} {
		if *to, err = statusBytes(data, name); err != nil {
			return Memory{}, err
		}
	}
	return m, nil
}

func statusBytes(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		value, found := bytes.CutPrefix(line, []byte(name+":"))
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(value)), " kB"),
			10, 64)
		return kib << 10, err
	}
	return 0, fmt.Errorf("/proc/<pid>/status has no line %s", name)
}

// ReadCPU returns the processor time that the process has used so far, in all its threads, without
// its children.
func ReadCPU(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses and may hold blanks: count from behind it. utime
	// and stime are fields 14 and 15.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has too few fields", pid)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks, nil
}
