//go:build !faults

package main

// crashAsBuilt does nothing: only a build for tests (-tags faults) can be told to crash.
func crashAsBuilt() {}
