// Package guest boots User-Mode Linux (a kernel that runs as a program; Debian package
// user-mode-linux) on the host's own files, read-only, and runs its tests inside: with a clock that
// may be set by hand, and with all cgroup controllers. The host's clock is never touched.
//
// The test binary goes through four stages: as it was started; as the program that becomes the
// kernel; as the guest's first process; and as the tests. The kernel restores no more of the
// processor's vector registers than SSE has (see cage), so all programs in the guest are told to
// use no more.
package guest
