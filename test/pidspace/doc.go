// Package pidspace runs the tests of a package in a PID and mount namespace of their own, with a
// /proc of their own: whatever they start can reach nothing else, all that lives can be counted,
// and everything ends with them. Linux only.
package pidspace
