//go:build !windows

package datadir

import "syscall"

const (
	ErrNoSpace  = syscall.ENOSPC
	errNoQuota  = syscall.EDQUOT
	ErrReadOnly = syscall.EROFS
)
