package process

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// stat is what /proc/<pid>/stat says of a process (proc_pid_stat(5)).
type stat struct {
	state   byte // R S D T t Z X …
	parent  int
	group   int
	session int
	start   uint64 // clock ticks after boot
}

var errStatForm = errors.New("/proc/<pid>/stat has an unknown form")

func readStat(pid int) (stat, error) {
	var buf [1024]byte
	n, err := readSmall("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return stat{}, err
	}
	return parseStat(buf[:n])
}

// parseStat begins after the last parenthesis: the name before it may hold blanks and parentheses.
func parseStat(line []byte) (stat, error) {
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, errStatForm
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) < 20 || len(fields[0]) != 1 || fields[0][0] < 'A' {
		return stat{}, errStatForm
	}
	var err error
	number := func(i int) uint64 {
		n, e := strconv.ParseInt(string(fields[i]), 10, 64)
		err = errors.Join(err, e)
		return uint64(n)
	}
	s := stat{
		state:   fields[0][0],
		parent:  int(number(1)),
		group:   int(number(2)),
		session: int(number(3)),
		start:   number(19),
	}
	return s, err
}

// readSmall reads a file of /proc or of a cgroup in one call, without an os.File around it.
func readSmall(path string, buf []byte) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	n, err := readRetrying(fd, buf)
	_ = unix.Close(fd) // only read from
	return max(n, 0), err
}

// eachPID calls visit for every process of /proc, in no order.
func eachPID(visit func(pid int)) error {
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, ok := parsePID(name); ok {
			visit(pid)
		}
	}
	return err
}

func parsePID(name string) (int, bool) {
	if name == "" || name[0] < '0' || name[0] > '9' {
		return 0, false
	}
	pid, err := strconv.Atoi(name)
	return pid, err == nil && pid > 0
}

// ownChildren lists the children of this process: those of all its threads. Where the kernel has no
// such list all of /proc is looked through. A child may be missing if others come and go meanwhile.
func ownChildren() ([]int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, task := range tasks {
		list, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if errors.Is(err, os.ErrNotExist) {
			if _, gone := os.Lstat("/proc/self/task/" + task.Name()); gone == nil {
				return childrenByScan()
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, field := range bytes.Fields(list) {
			if pid, ok := parsePID(string(field)); ok {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}

func childrenByScan() ([]int, error) {
	var pids []int
	self := os.Getpid()
	err := eachPID(func(pid int) {
		if s, err := readStat(pid); err == nil && s.parent == self {
			pids = append(pids, pid)
		}
	})
	return pids, err
}
