package main

import (
	"strings"
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
)

func TestAgentURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://host:1":           "https://host:1",
		"host":                     "https://host:20140",
		"host:1":                   "https://host:1",
		"https://host/gusty/":      "https://host:20140/gusty",
		"https://[::1]":            "https://[::1]:20140",
		"https://0.0.0.0:20140":    "https://127.0.0.1:20140",
		"https://[::]:20140":       "https://[::1]:20140",
		"http://host":              "",
		"ftp://host":               "",
		"https://":                 "",
		"":                         "",
		"https://u:p@host":         "",
		"https://host?x=1":         "",
		"https://host:1#x":         "",
		"https://host:not-a-port/": "",
	} {
		got, err := agentURL(text)
		switch {
		case want == "" && (err == nil || exit.Code(err) != exit.Usage):
			t.Errorf("%q: got %v, %v, want a usage error", text, got, err)
		case want != "" && (err != nil || got.String() != want):
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
}

func TestAgentURLKeepsThePasswordToItself(t *testing.T) {
	_, err := agentURL("https://user:hunter2@host")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsOr(t *testing.T) {
	flags := settings{URL: "flag", Fingerprint: "pin"}
	env := settings{URL: "env", User: "env", CA: "env", Password: "env", DataDir: "env"}
	got := flags.or(settings{PasswordFile: "profile"}).or(env)
	want := settings{URL: "flag", User: "env", Fingerprint: "pin", PasswordFile: "profile"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = settings{DataDir: "flag"}.or(env)
	// the address and the CA in the environment are another agent's
	want = settings{DataDir: "flag", User: "env", Password: "env"}
	if got != want {
		t.Errorf("a directory: got %+v, want %+v", got, want)
	}
}
