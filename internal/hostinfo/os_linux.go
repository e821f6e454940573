package hostinfo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/shirou/gopsutil/v3/host"
)

// collectOS finds the names and versions of the distribution and of the kernel.
func collectOS(ctx context.Context) (func(*Figures), error) {
	kernel, err := host.KernelVersionWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("kernel version: %w", err)
	}
	name, version, err := distribution(ctx, "/etc/os-release", "/usr/lib/os-release")
	if err != nil {
		return nil, err
	}
	return func(f *Figures) { f.OSName, f.OSVersion, f.KernelVersion = name, version, kernel }, nil
}

// distribution reads the first of paths that is there; a system without one (they all had it by
// 2014) is asked in the ways of before.
func distribution(ctx context.Context, paths ...string) (name, version string, err error) {
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		name, version, err = readRelease(f)
		return name, version, errors.Join(err, f.Close())
	}
	name, _, version, err = host.PlatformInformationWithContext(ctx)
	if err != nil {
		return "", "", fmt.Errorf("distribution: %w", err)
	}
	return name, version, nil
}

// readRelease returns NAME and VERSION_ID of a file in the format of os-release(5). A rolling
// distribution has no version.
func readRelease(r io.Reader) (name, version string, err error) {
	name = "Linux" // what os-release(5) says an absent NAME means
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		switch key {
		case "NAME":
			name = unquote(value)
		case "VERSION_ID":
			version = unquote(value)
		}
	}
	return name, version, lines.Err()
}

// unquote takes off a shell's quotes and, in double ones, its escapes.
func unquote(value string) string {
	if len(value) < 2 || value[0] != value[len(value)-1] || value[0] != '"' && value[0] != '\'' {
		return value
	}
	inner := value[1 : len(value)-1]
	if value[0] == '\'' {
		return inner
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, "\\`", "`", `\\`, `\`).Replace(inner)
}
