package hostinfo

import (
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/windows"
)

// timeOfDay is SYSTEM_TIMEOFDAY_INFORMATION, in units of 100 ns.
type timeOfDay struct {
	bootTime, currentTime, timeZoneBias int64
	timeZoneID, reserved                uint32
	bootTimeBias, sleepTimeBias         uint64
}

// BootID names this boot of the host: it differs after each boot and never changes in between. It
// is the time of the boot by the clock of that moment: the kernel moves its boot time along when
// the clock is set, and keeps the sum of those moves in the bias.
func BootID() (string, error) {
	var t timeOfDay
	err := windows.NtQuerySystemInformation(windows.SystemTimeOfDayInformation, unsafe.Pointer(&t),
		uint32(unsafe.Sizeof(t)), nil)
	if err != nil {
		return "", fmt.Errorf("boot time: %w", err)
	}
	return strconv.FormatInt(t.bootTime-int64(t.bootTimeBias), 10), nil
}
