package process

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// defaultPath is what systemd and the common distributions give to services.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func systemEnv(*user.User) []string { return nil }

// hostTimeZone is the agent's own TZ, else the zone that /etc/localtime points to, as a name, since
// not every program takes a path.
func hostTimeZone() string {
	if tz := os.Getenv("TZ"); tz != "" {
		return tz
	}
	const local = "/etc/localtime"
	if target, err := filepath.EvalSymlinks(local); err == nil {
		if _, zone, ok := strings.Cut(target, "/zoneinfo/"); ok {
			return zone
		}
		return ":" + local
	}
	return "UTC"
}
