package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// scriptPath is what the interpreter is told to run, and so the script's $0.
const scriptPath = "/proc/self/fd/3"

const scriptSeals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// newScriptFile returns a descriptor of a sealed memory file: nobody can change the script while it
// runs. Its mode lets the user that the run has read it, who can reach it through the run's own
// processes only.
func newScriptFile(script []byte) (int, error) {
	fd, err := newMemfd()
	if err != nil {
		return -1, err
	}
	if err = writeAll(fd, script); err == nil {
		err = seal(fd)
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// newMemfd copes with kernels before 6.3, which know no MFD_EXEC, and with hosts that forbid
// executable memory files.
func newMemfd() (fd int, err error) {
	const base = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	for _, flags := range []int{base | unix.MFD_EXEC, base, base | unix.MFD_NOEXEC_SEAL} {
		if fd, err = unix.MemfdCreate("script", flags); err == nil {
			return fd, nil
		}
	}
	return -1, err
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		data = data[max(n, 0):]
	}
	return nil
}

func seal(fd int) error {
	if err := unix.Fchmod(fd, 0o755); err != nil {
		if err = unix.Fchmod(fd, 0o644); err != nil { // a file that is sealed against execution
			return err
		}
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, scriptSeals)
	return err
}
