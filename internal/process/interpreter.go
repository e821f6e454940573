package process

import (
	"os"
	"path/filepath"
	"strings"
)

// findInterpreter returns the path of the first of the names that is found in the PATH of env. Only
// absolute directories of PATH are looked at: what lies in a job's working directory is not to be
// run by accident.
func findInterpreter(names, env []string) (string, error) {
	path := lookupEnv(env, "PATH")
	for _, name := range names {
		if found := findProgram(name, path); found != "" {
			return found, nil
		}
	}
	if strings.ContainsAny(names[0], pathSeparators) {
		return "", startErrorf("the interpreter %s does not exist or can't be executed: install "+
			"it, or correct its path", names[0])
	}
	return "", startErrorf("the interpreter %s is not in PATH %s: install it, or set PATH in the "+
		"job's environment",
		strings.Join(names, " or "), path)
}

func findProgram(name, path string) string {
	if name == "" {
		return ""
	}
	if strings.ContainsAny(name, pathSeparators) {
		return executable(name)
	}
	for dir := range strings.SplitSeq(path, string(os.PathListSeparator)) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found := executable(filepath.Join(dir, name)); found != "" {
			return found
		}
	}
	return ""
}

// lookupEnv returns the last value of a variable: the one that counts.
func lookupEnv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && sameVariable(k, name) {
			return v
		}
	}
	return ""
}

// compactEnv drops all but the last value of each name, since programs differ in which one they
// take.
func compactEnv(env []string) []string {
	last := make(map[string]int, len(env))
	for i, e := range env {
		k, _, _ := strings.Cut(e, "=")
		last[variableKey(k)] = i
	}
	if len(last) == len(env) {
		return env
	}
	kept := make([]string, 0, len(last))
	for i, e := range env {
		if k, _, _ := strings.Cut(e, "="); last[variableKey(k)] == i {
			kept = append(kept, e)
		}
	}
	return kept
}
