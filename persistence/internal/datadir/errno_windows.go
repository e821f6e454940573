package datadir

import "golang.org/x/sys/windows"

const (
	ErrNoSpace  = windows.ERROR_DISK_FULL
	errNoQuota  = windows.ERROR_DISK_QUOTA_EXCEEDED
	ErrReadOnly = windows.ERROR_WRITE_PROTECT
)
