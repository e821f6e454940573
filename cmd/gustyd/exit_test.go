package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// runtimeCrash is what the Go runtime ends a crashed program with.
const runtimeCrash = 2

// TestNoCodeIsACrash: a crash must be told from each end that the agent chose, or a service manager
// keeps a crashed agent down.
func TestNoCodeIsACrash(t *testing.T) {
	seen := map[int]bool{runtimeCrash: true}
	for _, m := range exitMeanings() {
		if seen[m.code] {
			t.Errorf("code %d (%s) has another meaning already", m.code, m.text)
		}
		seen[m.code] = true
	}
}

// TestUnitFollowsTheExitCodes compares what the systemd unit does after each code with what the
// code means.
func TestUnitFollowsTheExitCodes(t *testing.T) {
	unit := repositoryFile(t, "deploy/systemd/gusty.service")
	for setting, after := range map[string]aftermath{
		"RestartPreventExitStatus": stayDown, "SuccessExitStatus": wasAsked,
	} {
		var want []int
		for _, m := range exitMeanings() {
			if m.after == after && m.code != exitStopped { // which is a success by itself
				want = append(want, m.code)
			}
		}
		if got := codesOf(t, unit, setting); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", setting, got, want)
		}
	}
}

// codesOf returns the exit codes that a unit's setting lists.
func codesOf(t *testing.T, unit, setting string) (codes []int) {
	t.Helper()
	for line := range strings.Lines(unit) {
		list, found := strings.CutPrefix(line, setting+"=")
		if !found {
			continue
		}
		for _, word := range strings.Fields(list) {
			code, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("%s: %v", setting, err)
			}
			codes = append(codes, code)
		}
	}
	return codes
}

// TestExitCodesAreDocumented looks for each code in --help and on both pages that explain them.
func TestExitCodesAreDocumented(t *testing.T) {
	pages := map[string]string{
		"--help":                   exitHelp(),
		"docs/failures.md":         repositoryFile(t, "docs/failures.md"),
		"deploy/systemd/README.md": repositoryFile(t, "deploy/systemd/README.md"),
	}
	line := map[string]string{
		"--help": "\n%5d  ", "docs/failures.md": "\n| %d | ",
		"deploy/systemd/README.md": "\n| `status=%d",
	}
	codes := []int{runtimeCrash}
	for _, m := range exitMeanings() {
		codes = append(codes, m.code)
	}
	for name, page := range pages {
		for _, code := range codes {
			if !strings.Contains(page, fmt.Sprintf(line[name], code)) {
				t.Errorf("%s does not explain the exit code %d", name, code)
			}
		}
	}
}

func repositoryFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
