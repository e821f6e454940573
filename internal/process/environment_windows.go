package process

import (
	"os"
	"os/user"
)

const defaultPath = `C:\Windows\system32;C:\Windows;C:\Windows\System32\WindowsPowerShell\v1.0`

// systemEnv is what Windows' own libraries look for.
func systemEnv(u *user.User) []string {
	env := []string{"USERPROFILE=" + u.HomeDir, "USERNAME=" + u.Username}
	for _, name := range []string{
		"SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT",
		"TEMP", "TMP", "ProgramData", "ProgramFiles",
	} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// hostTimeZone is the agent's own TZ, if any: programs ask Windows for the zone.
func hostTimeZone() string { return os.Getenv("TZ") }
