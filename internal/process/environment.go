package process

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// BaseEnv returns the clean environment that a run starts with: PATH HOME USER LANG TZ (Windows:
// also what its programs can't do without). userName is the user to run as, empty for the agent's
// own; timeZone an IANA name, empty for the host's zone. The agent's own PATH is passed on, its
// absolute directories only, but not to another user, who may be unable to read them. The error is
// a *StartError: no such user.
func BaseEnv(userName, timeZone string) ([]string, error) {
	u, own, err := lookupUser(userName)
	if err != nil {
		return nil, err
	}
	path := defaultPath
	if own {
		path = absolutePath(os.Getenv("PATH"))
	}
	if timeZone == "" {
		timeZone = hostTimeZone()
	}
	env := []string{"PATH=" + path, "HOME=" + u.HomeDir, "USER=" + u.Username, "LANG=" + language()}
	if timeZone != "" {
		env = append(env, "TZ="+timeZone)
	}
	return append(env, systemEnv(u)...), nil
}

// lookupUser finds a user; own says that it is the one the agent runs as.
func lookupUser(name string) (u *user.User, own bool, err error) {
	current, err := user.Current()
	if err != nil && name == "" {
		// An agent in a container may have a number and no name.
		return &user.User{
			Uid:      fmt.Sprint(os.Getuid()),
			Username: os.Getenv("USER"),
			HomeDir:  os.Getenv("HOME"),
		}, true, nil
	}
	if name == "" || (err == nil && name == current.Username) {
		return current, true, nil
	}
	u, err = user.Lookup(name)
	if err != nil {
		return nil, false, startErrorf("there is no user %q on this host: create it, or correct "+
			"run_as", name).because(err)
	}
	return u, current != nil && u.Uid == current.Uid, nil
}

func absolutePath(path string) string {
	kept := make([]string, 0, 8)
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) {
			kept = append(kept, dir)
		}
	}
	if len(kept) == 0 {
		return defaultPath
	}
	return strings.Join(kept, string(os.PathListSeparator))
}

// language is a UTF-8 locale in any case: scripts print names.
func language() string {
	if lang := os.Getenv("LANG"); lang != "" && lang != "C" && lang != "POSIX" {
		return lang
	}
	return "C.UTF-8"
}
