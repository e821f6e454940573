package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/term"

	"gusty/internal/atomicfile"
	"gusty/internal/tlscert"
)

// agentFile tells gustyctl on the same host where the running agent is.
const agentFile = "agent.json"

// announce tells everybody who needs to know that the agent serves: gustyctl, the log, the service
// manager, and who sits at the terminal.
func (d *daemon) announce() {
	url := d.url()
	if err := d.writeAgentFile(url); err != nil {
		d.log.Warn("gustyctl will not find this agent by itself", "error", err)
	}
	b := build()
	d.log.always("ready", "url", url, "pid", os.Getpid(), "version", b.Version, "data_dir",
		d.settings.dataDir)
	d.tell(d.manager.Ready())
	d.tell(d.manager.Status("serving " + url))
	if term.IsTerminal(int(os.Stdout.Fd())) {
		d.greet(url)
	}
}

func (d *daemon) writeAgentFile(url string) error {
	data, err := json.Marshal(struct {
		PID int    `json:"pid"`
		URL string `json:"url"`
	}{os.Getpid(), url})
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(d.settings.dataDir, agentFile), append(data, '\n'), 0o600)
}

// fileLook is how often the agent looks whether the file that tells of it is still there.
const fileLook = 10 * time.Second

// keepAnnounced writes the file again that somebody has removed, until ctx ends.
func (d *daemon) keepAnnounced(ctx context.Context) {
	ticker := time.NewTicker(fileLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if _, err := os.Stat(filepath.Join(d.settings.dataDir, agentFile)); !errors.Is(err,
			fs.ErrNotExist) {
			continue
		}
		if d.writeAgentFile(d.url()) == nil { // else the next look tries again
			d.log.Warn("the file that tells of this agent was removed and is written again", "file",
				agentFile)
		}
	}
}

// greet says on a terminal what a newcomer needs.
func (d *daemon) greet(url string) {
	fmt.Printf("\nGusty serves %s\n", url)
	if _, err := os.Stat(filepath.Join(d.settings.dataDir, adminFile)); err == nil {
		fmt.Printf("  user and password  in %s\n", filepath.Join(d.settings.dataDir, adminFile))
	}
	fmt.Printf("  certificate        SHA-256 %s\n", tlscert.FingerprintDER(d.certs.Leaf().Raw))
	fmt.Printf("  CA to trust        %s\n", d.certs.files.CA)
	fmt.Printf("  try                %s --data-dir %s status\n\n", d.controlCommand(),
		d.settings.dataDir)
}

// controlCommand is gustyctl as it can be called from here: beside this executable, or on the path.
func (d *daemon) controlCommand() string {
	self, err := os.Executable()
	if err != nil {
		return "gustyctl"
	}
	beside := filepath.Join(filepath.Dir(self), "gustyctl"+filepath.Ext(self))
	if _, err := os.Stat(beside); err != nil {
		return "gustyctl"
	}
	return beside
}

// url is where the agent is reached from this host: an agent on all addresses is on localhost too.
func (d *daemon) url() string {
	host, port := "localhost", strconv.Itoa(d.usedPort())
	if addr, err := netip.ParseAddrPort(d.listener.Addr().String()); err == nil &&
		!addr.Addr().IsUnspecified() {
		host = addr.Addr().Unmap().String()
	}
	return "https://" + net.JoinHostPort(host, port)
}

// removeAgentFile takes the pointer to this agent away; a file of another agent stays.
func removeAgentFile(dir string) {
	path := filepath.Join(dir, agentFile)
	data, err := atomicfile.ReadRegular(path)
	if err != nil {
		return
	}
	var said struct {
		PID int `json:"pid"`
	}
	if json.Unmarshal(data, &said) == nil && said.PID == os.Getpid() {
		_ = atomicfile.Remove(path) // a stale one is recognised by its pid
	}
}
