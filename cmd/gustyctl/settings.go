package main

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// defaultPort is the agent's own default.
const defaultPort = "20140"

// settings say which agent is meant and how to log in. Empty values are not given.
type settings struct {
	DataDir      string `yaml:"-"`
	Profile      string `yaml:"-"`
	URL          string `yaml:"url"`
	User         string `yaml:"user"`
	CA           string `yaml:"ca"`
	Fingerprint  string `yaml:"fingerprint"`
	PasswordFile string `yaml:"password_file"`
	// Password never comes from a flag.
	Password messages.Secret `yaml:"password"`
}

// or returns s with what it lacks taken from lower. What belongs together comes from one source:
// which agent (its address or its directory), whom to trust (a CA or a pin; a directory that s
// names has its own CA), and the password.
func (s settings) or(lower settings) settings {
	if s.CA == "" && s.Fingerprint == "" && s.DataDir == "" {
		s.CA, s.Fingerprint = lower.CA, lower.Fingerprint
	}
	if s.URL == "" && s.DataDir == "" {
		s.URL, s.DataDir = lower.URL, lower.DataDir
	}
	if s.PasswordFile == "" && s.Password == "" {
		s.PasswordFile, s.Password = lower.PasswordFile, lower.Password
	}
	s.Profile = cmp.Or(s.Profile, lower.Profile)
	s.User = cmp.Or(s.User, lower.User)
	return s
}

func settingsFromEnv(getenv func(string) string) settings {
	return settings{
		DataDir:      getenv("GUSTY_DATA_DIR"),
		Profile:      getenv("GUSTY_PROFILE"),
		URL:          getenv("GUSTY_URL"),
		User:         getenv("GUSTY_USER"),
		CA:           getenv("GUSTY_CA"),
		Fingerprint:  getenv("GUSTY_FINGERPRINT"),
		PasswordFile: getenv("GUSTY_PASSWORD_FILE"),
		Password:     messages.Secret(getenv("GUSTY_PASSWORD")),
	}
}

// agentURL reads an address as people write it: the scheme and the port may be absent. HTTP is
// refused, and so is a user in the address, since it would bring the password along into process
// lists.
func agentURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, exit.Usagef("%q is not an address of an agent; write https://host:%s", text, defaultPort)
	case u.Scheme != "https":
		return nil, exit.Usagef("%s: an agent speaks HTTPS only; write https://%s", text, u.Host)
	case u.User != nil:
		return nil, exit.Usagef("the address must not hold a user or a password; use --user, and " +
			"--password-file or GUSTY_PASSWORD")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, exit.Usagef("%q holds more than an address; write https://host:%s", text, defaultPort)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	u.Host = net.JoinHostPort(reachable(u.Hostname()), port)
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// reachable returns the loopback address for the "all addresses" that an agent may listen on:
// nobody can connect to 0.0.0.0 everywhere.
func reachable(host string) string {
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil || !addr.IsUnspecified():
		return host
	case addr.Is4():
		return "127.0.0.1"
	default:
		return "::1"
	}
}
