package persistence

import "golang.org/x/sys/windows"

const (
	errNoSpace  = windows.ERROR_DISK_FULL
	errNoQuota  = windows.ERROR_DISK_QUOTA_EXCEEDED
	errReadOnly = windows.ERROR_WRITE_PROTECT
)
