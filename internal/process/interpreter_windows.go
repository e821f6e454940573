package process

import (
	"os"
	"path/filepath"
	"strings"
)

const pathSeparators = `/\`

// executable returns the path of a program, with its extension. Batch files are no interpreters:
// cmd would parse a script's arguments anew.
func executable(path string) string {
	candidates := []string{path + ".exe", path + ".com"}
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".exe" || ext == ".com" {
		candidates = []string{path}
	}
	for _, c := range candidates {
		if st, err := os.Stat(c); err == nil && st.Mode().IsRegular() {
			return c
		}
	}
	return ""
}

func sameVariable(a, b string) bool { return strings.EqualFold(a, b) }

func variableKey(name string) string { return strings.ToUpper(name) }
