package process

import "os"

const pathSeparators = "/"

// executable returns the path where it is a file that someone may execute.
func executable(path string) string {
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
		return path
	}
	return ""
}

func sameVariable(a, b string) bool { return a == b }

func variableKey(name string) string { return name }
