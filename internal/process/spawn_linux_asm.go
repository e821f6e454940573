//go:build linux && (amd64 || arm64)

package process

// canSpawn reports whether vforkSteps is written for this machine.
const canSpawn = true

// vforkSteps makes a child by clone3 with args, and returns its process number, or a negative
// errno, once the child has become its program or has ended. The child carries out the steps; the
// last one is execve.
func vforkSteps(args *cloneArgs, size uintptr, steps *step) int
