// Command pack turns the executables under dist/build into the archives that are published: a
// tar.gz for Linux, a zip for Windows, and SHA256SUMS over all of them. It is a program of its own
// because `make dist` shall need nothing but Go, and because archives of the same files shall be
// the same bytes: names are in order, times and owners are left out.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	root := flag.String("root", ".", "the repository")
	version := flag.String("version", "dev", "the version in the archives' names")
	flag.Parse()
	if err := packAll(*root, *version); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func packAll(root, version string) error {
	builds, err := filepath.Glob(filepath.Join(root, "dist", "build", "*"))
	if err != nil {
		return err
	}
	if len(builds) == 0 {
		return fmt.Errorf("nothing under %s/dist/build: run `make dist`", root)
	}
	var sums strings.Builder
	for _, build := range builds {
		name := fmt.Sprintf("gusty_%s_%s", version,
			strings.ReplaceAll(filepath.Base(build), "-", "_"))
		archive, err := pack(root, build, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(archive)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), filepath.Base(archive))
	}
	fmt.Print(sums.String())
	return os.WriteFile(filepath.Join(root, "dist", "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// pack writes one platform's archive and returns its path. All files lie in one folder called name.
func pack(root, build, name string) (string, error) {
	files, err := filepath.Glob(filepath.Join(build, "*"))
	if err != nil {
		return "", err
	}
	windows := strings.HasPrefix(filepath.Base(build), "windows")
	for _, document := range documents(windows) {
		if path := filepath.Join(root, document); exists(path) {
			files = append(files, path)
		}
	}
	base := filepath.Join(root, "dist", name)
	if windows {
		return base + ".zip", writeZip(base+".zip", name, files)
	}
	return base + ".tar.gz", writeTar(base+".tar.gz", name, files)
}

// documents lists what goes with the executables, where it is there.
func documents(windows bool) []string {
	all := []string{"LICENSE", "README.md", "CHANGELOG.md"}
	if !windows {
		all = append(all, "deploy/systemd/gusty.service")
	}
	return all
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
