//go:build linux && !amd64 && !arm64

package process

import "golang.org/x/sys/unix"

// canSpawn reports whether vforkSteps is written for this machine.
const canSpawn = false

func vforkSteps(*cloneArgs, uintptr, *step) int { return -int(unix.ENOSYS) }
