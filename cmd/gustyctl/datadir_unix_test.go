//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
)

func TestCheckoutDirOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir(checkoutDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(checkoutDir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for _, dir := range candidates("", os.Getenv) {
		if dir == checkoutDir {
			t.Error("a directory of another user is a candidate: its owner would get our password")
		}
	}
}

func TestProfilePermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gusty", "profiles.yaml")
	write(t, path, "prod: {url: host, ca: ca.pem, password_file: /etc/secret}\n", 0o600)
	for mode, ok := range map[os.FileMode]bool{
		0o600: true,
		0o400: true,
		0o640: false,
		0o604: false,
		0o620: false,
		0o666: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := loadProfile(path, "prod")
		if (err == nil) != ok {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err != nil &&
			(exit.Code(err) != exit.Usage || !strings.Contains(err.Error(), "chmod 600 "+path)) {
			t.Errorf("mode %04o does not say what to do: %v", mode, err)
		}
	}
}

func TestProfileFilesAreBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profiles.yaml")
	write(t, path, "prod: {url: host, ca: ca.pem, password_file: /etc/secret}\n", 0o600)
	got, err := loadProfile(path, "prod")
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		URL:          "host",
		CA:           filepath.Join(filepath.Dir(path), "ca.pem"),
		PasswordFile: "/etc/secret",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
