package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// InsistVariable is the environment variable that turns the lack of a tool from a reason to skip
// into a failure.
const InsistVariable = "GUSTY_OPENSEARCH"

// The first user of a node with the security plugin, and of nginx before a plain one.
const (
	User     = "admin"
	Password = "osnode-pass"
)

// startWithin bounds the start of a node, and the fetching of its jars the first time.
const startWithin = 10 * time.Minute

// Options say what node is started.
type Options struct {
	Dir      string   // for the node alone; a restarted node finds its data there
	Port     int      // 0: a free one
	Security bool     // the security plugin: TLS and users
	Settings []string // name=value, as in opensearch.yml
}

// Node is a running node.
type Node struct {
	Options
	URL string
	PID int
}

// Missing names the tools that are needed to start a node and are not here.
func Missing() []string {
	var missing []string
	for _, tool := range []string{"bash", "java", "mvn", "curl", "flock", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	return missing
}

// Start starts a node and returns when it answers.
func Start(ctx context.Context, o Options) (*Node, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	args := []string{strconv.Itoa(o.Port), o.Dir}
	for _, setting := range o.Settings {
		args = append(args, "-E", setting)
	}
	if err := script(ctx, o.Security, "start.sh", args...); err != nil {
		return nil, err
	}
	n := &Node{Options: o}
	return n, n.read()
}

// read takes over what start.sh left in the node's directory.
func (n *Node) read() error {
	address, err := os.ReadFile(filepath.Join(n.Dir, "url"))
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(filepath.Join(n.Dir, "pid"))
	if err != nil {
		return err
	}
	n.URL = strings.TrimSpace(string(address))
	if n.PID, err = strconv.Atoi(strings.TrimSpace(string(pid))); err != nil {
		return err
	}
	n.Port, err = strconv.Atoi(n.URL[strings.LastIndexByte(n.URL, ':')+1:])
	return err
}

// CAFile is the PEM file of the CA that signed the certificate of a node with the security plugin.
func (n *Node) CAFile() string { return filepath.Join(n.Dir, "conf", "ca.pem") }

// Stop ends the node in order.
func (n *Node) Stop(ctx context.Context) error { return script(ctx, false, "stop.sh", n.Dir) }

// Kill ends the node without a word to it.
func (n *Node) Kill() error {
	process, err := os.FindProcess(n.PID)
	if err != nil {
		return fmt.Errorf("finding the node: %w", err)
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing the node: %w", err)
	}
	return nil
}

// Restart starts an ended node again, on its port and its data.
func (n *Node) Restart(ctx context.Context) error {
	next, err := Start(ctx, n.Options)
	if err == nil {
		*n = *next
	}
	return err
}

// script runs one of the scripts beside this file.
func script(ctx context.Context, security bool, name string, args ...string) error {
	dir, err := here()
	if err != nil {
		return err
	}
	home, err := laidOut()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, filepath.Join(dir, name), args...)
	command.Env = append(os.Environ(), "OSNODE_HOME="+home, "OSNODE_USER="+User, "OSNODE_PASS="+
		Password)
	if security {
		command.Env = append(command.Env, "OSNODE_SECURITY=1")
	}
	// What it prints goes to a file of its own: the node that it leaves behind would keep a pipe
	// open.
	var told bytes.Buffer
	command.Stdout, command.Stderr = &told, &told
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, told.Bytes())
	}
	return nil
}

// here returns the directory of the scripts: that of this source file, which tests are built from.
func here() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return filepath.Abs("node") // built with -trimpath: from test/opensearch
	}
	return filepath.Dir(file), nil
}

// laidOut returns the directory in which the jars are kept between runs.
func laidOut() (string, error) {
	if home := os.Getenv("OSNODE_HOME"); home != "" {
		return home, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "gusty-test-opensearch"), nil
}
