package hostinfo

import (
	"fmt"
	"os"
	"strings"
)

// BootID names this boot of the host: it differs after each boot and never changes in between.
func BootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("boot id: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}
