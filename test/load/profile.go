//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gusty/test/agent"
)

// profile is one file of targets, with this agent's address and credentials in it.
type profile struct {
	name    string
	targets string
}

// profiles reads deploy/vegeta/*.targets. The credentials go into the targets, not into an argument
// that other users of the host could see.
func profiles(process *agent.Process) ([]profile, error) {
	files, err := filepath.Glob("deploy/vegeta/*.targets")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no deploy/vegeta/*.targets here: start this from the root of the " +
			"repository")
	}
	credentials, err := process.Credentials()
	if err != nil {
		return nil, err
	}
	header := "Authorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte(credentials.User+":"+credentials.Password))
	var all []profile
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all = append(all, profile{
			name:    strings.TrimSuffix(filepath.Base(file), ".targets"),
			targets: address(string(data), process.Port, header),
		})
	}
	return all, nil
}

// address replaces the usual port by the agent's, and adds a header to each target: a line behind
// its first one.
func address(targets string, port int, header string) string {
	var out strings.Builder
	for line := range strings.Lines(targets) {
		if strings.Contains(line, " https://") {
			line = strings.Replace(line, "localhost:20140", "localhost:"+strconv.Itoa(port), 1) +
				header + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// prepare stores the jobs that the targets ask for.
func prepare(ctx context.Context, process *agent.Process) error {
	client, err := process.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	for _, file := range []string{"deploy/vegeta/job-small.json", "deploy/vegeta/job-large.json"} {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job",
			string(body)); err != nil {
			return err
		}
	}
	return nil
}
