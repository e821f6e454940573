package main

import "path/filepath"

// defaultDataDir is %ProgramData%\Gusty.
func defaultDataDir(_ int, env lookupEnv) (string, error) {
	programs, ok := env("ProgramData")
	if !ok || programs == "" {
		return "", errNoHome
	}
	return filepath.Join(programs, "Gusty"), nil
}
