// Package archtest holds the walls between the packages of this repository: who may import whom,
// and what may not be linked into which program. The walls are a table (walls.go); a test loads the
// graph of imports as the go command sees it, for each system that is built for, and fails with the
// reason of each wall that is broken.
package archtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Package is one node of the graph of imports. Imports of tests are not in it.
type Package struct {
	ImportPath string
	Standard   bool // part of the standard library
	Imports    []string
}

// Graph holds packages by import path.
type Graph map[string]Package

// Load returns the packages of the module in dir, and all that they are linked with, as they are
// built for a system (GOOS).
func Load(ctx context.Context, dir, system string) (Graph, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Standard,Imports",
		"./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("go list for %s: %w: %s", system, err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", system, err)
	}
	return decode(strings.NewReader(string(out)))
}

// decode reads the objects that go list prints one after the other.
func decode(r io.Reader) (Graph, error) {
	graph := Graph{}
	for decoder := json.NewDecoder(r); ; {
		var p Package
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return graph, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the answer of go list: %w", err)
		}
		graph[p.ImportPath] = p
	}
}

// chain returns the shortest way from a package to one that matches pattern, both ends included;
// nil where there is none. What the standard library imports itself does not count: the rules are
// about what is chosen here.
func (g Graph) chain(from, pattern string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && matches(pattern, at) {
			return trace(before, at)
		}
		if g[at].Standard {
			continue
		}
		for _, next := range g[at].Imports {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// trace follows the way back to where it began.
func trace(before map[string]string, at string) (way []string) {
	for ; at != ""; at = before[at] {
		way = append([]string{at}, way...)
	}
	return way
}

// matches reports whether an import path is pattern, or lies below it where that ends in "/...".
func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}
