package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/private"
)

// profileForm is what a profile file looks like, for the messages about one that is missing or
// wrong.
const profileForm = `NAME: {url: https://host:20140, user: Admin, ca: ca.pem, password_file: password}`

// profilePath is where the profiles lie: gusty/profiles.yaml in the user's configuration directory.
func profilePath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", exit.Usagef("no place for profiles: %w", err)
	}
	return filepath.Join(dir, "gusty", "profiles.yaml"), nil
}

func profilePathForHelp() string {
	path, err := profilePath()
	if err != nil {
		return "gusty/profiles.yaml"
	}
	return path
}

// loadProfile reads one profile. The file may hold passwords and says who is trusted, so one that
// others can read or write is refused.
func loadProfile(path, name string) (settings, error) {
	data, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, exit.Usagef("there is no profile file; write %s, mode 0600, with lines "+
			"like %s", path, profileForm)
	}
	if err != nil {
		return settings{}, err
	}
	profiles, err := parseProfiles(data)
	if err != nil {
		return settings{},
			exit.Usagef("%s is not a profile file: %w; it holds lines like %s", path, err,
				profileForm)
	}
	found, ok := profiles[name]
	if !ok {
		return settings{},
			exit.Usagef("%s has no profile %q; it has %s", path, name,
				strings.Join(slices.Sorted(maps.Keys(profiles)), ", "))
	}
	return found.relativeTo(filepath.Dir(path)), nil
}

func parseProfiles(data []byte) (map[string]settings, error) {
	profiles := map[string]settings{}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&profiles); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return profiles, nil
}

// relativeTo makes the files that a profile names relative to the profile file's own directory.
func (s settings) relativeTo(dir string) settings {
	for _, path := range []*string{&s.CA, &s.PasswordFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return s
}

// readPrivate reads a file that must be closed to others. That is asked of the open file, so that
// it is the one that is read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Usagef("cannot read the profile file: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
	if err := private.Check(f); err != nil {
		return nil, exit.Usagef("cannot use the profile file: %w", err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, exit.Usagef("cannot read the profile file: %w", err)
	}
	return data, nil
}
