package datadir

import "golang.org/x/sys/windows"

// DiskRoom returns how much the file system of dir still takes from this user.
func DiskRoom(dir string) (bytes uint64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &bytes, nil, nil)
	return bytes, err == nil
}
