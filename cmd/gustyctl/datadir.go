package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/atomicfile"
	"gusty/internal/private"
	"gusty/messages"
)

// checkoutDir is the data directory of `make run`, looked for last in the working directory.
const checkoutDir = ".gusty"

// dataDir is the agent's data directory on this host.
type dataDir string

func (d dataDir) agentFile() string    { return filepath.Join(string(d), "agent.json") }
func (d dataDir) caFile() string       { return filepath.Join(string(d), "tls", "ca.pem") }
func (d dataDir) passwordFile() string { return filepath.Join(string(d), "admin-password") }
func (d dataDir) keyFile() string      { return filepath.Join(string(d), "key") }
func (d dataDir) databaseFile() string { return filepath.Join(string(d), "gusty.db") }

// runningAgent is what agent.json says. It may be left over from an agent that was killed.
type runningAgent struct {
	PID int    `json:"pid"`
	URL string `json:"url"`
}

// agent reads agent.json. The error wraps fs.ErrNotExist where no agent runs on the directory. One
// in a directory that somebody else put there is not read: it could name an agent of theirs, and
// get our password.
func (d dataDir) agent() (runningAgent, error) {
	var agent runningAgent
	if err := private.CheckOwner(string(d)); err != nil {
		return agent, err
	}
	data, err := atomicfile.ReadRegular(d.agentFile())
	if err != nil {
		return agent, err
	}
	if err := json.Unmarshal(data, &agent); err != nil || agent.URL == "" {
		return agent,
			exit.Unreachablef("%s is damaged; restart the agent, which writes it anew",
				d.agentFile())
	}
	return agent, nil
}

// alive reports whether the agent that agent.json names exists.
func (d dataDir) alive() bool {
	agent, err := d.agent()
	return err == nil && processAlive(agent.PID)
}

// firstCredentials reads admin-password: `Admin:<password>` on one line. It gives empty strings
// where the file is gone, which it is once that password was changed.
func (d dataDir) firstCredentials() (user string, password messages.Secret, err error) {
	data, err := atomicfile.ReadRegular(d.passwordFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	user, pass, _ := strings.Cut(firstLine(string(data)), ":")
	return user, messages.Secret(pass), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}

// candidates lists the data directories that may be meant, the likeliest first. A directory that
// was named is the only candidate.
func candidates(named string, getenv func(string) string) []dataDir {
	if named != "" {
		return []dataDir{dataDir(named)}
	}
	var dirs []dataDir
	if dir := defaultDataDir(getenv); dir != "" {
		dirs = append(dirs, dataDir(dir))
	}
	// Only our own: a directory that somebody else left here could name an agent of theirs, and get
	// our password.
	if ownedByUs(checkoutDir) {
		dirs = append(dirs, checkoutDir)
	}
	return dirs
}

// runningDir picks the first candidate whose agent lives, else the first that has an agent.json at
// all (so that the message can name it).
func runningDir(dirs []dataDir) (dataDir, error) {
	for _, dir := range dirs {
		if dir.alive() {
			return dir, nil
		}
	}
	for _, dir := range dirs {
		if _, err := dir.agent(); !errors.Is(err, fs.ErrNotExist) {
			return dir, explainDir(dir, err)
		}
	}
	return "", noAgent(dirs)
}

// explainDir turns the error of a data directory that is there but cannot be used into a sentence.
func explainDir(dir dataDir, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return exit.Unreachablef(
			"the files in %s are closed to this user; run as the agent's user "+
				"(sudo), or give --url, --user and --ca", dir)
	}
	return err
}

func joined(dirs []dataDir) string {
	names := make([]string, len(dirs))
	for i, dir := range dirs {
		names[i] = string(dir)
	}
	return strings.Join(names, " or ")
}

// noAgent says where was looked, and what to do.
func noAgent(dirs []dataDir) error {
	hint := ""
	if _, err := os.Lstat(systemDataDir); systemDataDir != "" && err == nil && os.Geteuid() != 0 {
		hint = "; the system's agent in " + systemDataDir + " needs sudo"
	}
	return exit.Unreachablef(
		"no running agent found in %s%s; %s, name its --data-dir, or give --url",
		joined(dirs), hint, howToStart)
}
