package persistence

import "golang.org/x/sys/windows"

// diskRoom returns how much the file system of dir still takes from this user.
func diskRoom(dir string) (bytes uint64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &bytes, nil, nil)
	return bytes, err == nil
}
