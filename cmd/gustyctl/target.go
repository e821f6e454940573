package main

import (
	"context"
	"net/url"
	"os"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// target is the agent that is meant, and everything needed to talk to it.
type target struct {
	url      *url.URL
	trust    trust
	user     string
	password messages.Secret
	// where the agent was found on this host; empty for one that was named by its address
	dir dataDir
}

// target resolves, in this order: flags, the profile, the environment, the data directory on this
// host.
func (a *app) target(ctx context.Context) (target, error) {
	given, err := a.given()
	if err != nil {
		return target{}, err
	}
	if given.URL != "" {
		return a.namedTarget(ctx, given)
	}
	dir, err := runningDir(candidates(given.DataDir, a.getenv))
	if err != nil {
		return target{}, err
	}
	return a.localTarget(ctx, given, dir)
}

// given merges what the flags, the profile and the environment say.
func (a *app) given() (settings, error) {
	env := settingsFromEnv(a.getenv)
	given := a.settings
	name := given.or(env).Profile
	if name == "" {
		return given.or(env), nil
	}
	path, err := profilePath()
	if err != nil {
		return settings{}, err
	}
	profile, err := loadProfile(path, name)
	if err != nil {
		return settings{}, err
	}
	return given.or(profile).or(env), nil
}

// namedTarget is an agent named by its address. A data directory that was named too lends its CA
// and its first credentials.
func (a *app) namedTarget(ctx context.Context, given settings) (target, error) {
	address, err := agentURL(given.URL)
	if err != nil {
		return target{}, err
	}
	return a.complete(ctx, target{url: address}, given, dataDir(given.DataDir))
}

func (a *app) localTarget(ctx context.Context, given settings, dir dataDir) (target, error) {
	agent, err := dir.agent()
	if err != nil {
		return target{}, explainDir(dir, err)
	}
	address, err := agentURL(agent.URL)
	if err != nil {
		return target{}, err
	}
	return a.complete(ctx, target{url: address, dir: dir}, given, dir)
}

// complete adds whom to trust and how to log in; lender is the data directory that fills what was
// not given, or "".
func (a *app) complete(ctx context.Context, t target, given settings, lender dataDir) (target,
	error,
) {
	if given.CA == "" && given.Fingerprint == "" && lender != "" {
		given.CA = lender.caFile()
	}
	var err error
	if t.trust, err = loadTrust(given.CA, given.Fingerprint); err != nil {
		return t, err
	}
	t.user, t.password, err = a.credentials(ctx, given, lender)
	return t, err
}

// credentials finds the user and the password; the first credentials in the data directory serve
// where no others were given.
func (a *app) credentials(ctx context.Context, given settings, lender dataDir) (string,
	messages.Secret, error,
) {
	user := given.User
	password, err := a.givenPassword(given)
	if err != nil || (user != "" && password != "") {
		return user, password, err
	}
	if password == "" && lender != "" {
		first, secret, err := lender.firstCredentials()
		if err != nil {
			return "", "", explainDir(lender, err)
		}
		if first != "" && (user == "" || user == first) {
			return first, secret, nil
		}
	}
	if user == "" {
		user = messages.AdminUser
	}
	if password == "" {
		password, err = a.askPassword(ctx, "Password of "+user+": ")
	}
	return user, password, err
}

func (a *app) givenPassword(given settings) (messages.Secret, error) {
	switch given.PasswordFile {
	case "":
		return given.Password, nil
	case "-":
		return a.readPassword(a.in, "standard input")
	default:
		f, err := os.Open(given.PasswordFile)
		if err != nil {
			return "", exit.Usagef("cannot read the password file: %w", err)
		}
		defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
		return a.readPassword(f, given.PasswordFile)
	}
}
