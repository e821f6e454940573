//go:build !windows

package persistence

import "syscall"

const (
	errNoSpace  = syscall.ENOSPC
	errNoQuota  = syscall.EDQUOT
	errReadOnly = syscall.EROFS
)
