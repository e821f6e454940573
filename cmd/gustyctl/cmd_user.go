package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

// passwdFlags are the flags of user passwd.
type passwdFlags struct {
	newFile string
	offline bool
	keyFile string
}

func (a *app) userCommand() *cobra.Command {
	return group("user", "Manage users", a.userPasswdCommand())
}

func (a *app) userPasswdCommand() *cobra.Command {
	var flags passwdFlags
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set a user's password, also with the agent stopped or the password lost",
		Long: `Set a user's password. A running agent is asked to, with the credentials that are known. On the host of an agent that is stopped,
the store is changed itself: that needs no old password, and is what to do where it is lost (stop the agent, run this, start it).`,
		Example: "  gustyctl user passwd Admin\n  gustyctl user passwd Admin --new-password-file " +
			"- < secret",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.passwd(cmd.Context(), args[0], flags)
		},
	}
	cmd.Flags().StringVar(&flags.newFile, "new-password-file", "",
		"`file` whose first line is the new password, - for standard input")
	cmd.Flags().StringVar(&flags.keyFile, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the store's key, where the agent is started with one (GUSTY_KEY_FILE)")
	cmd.Flags().BoolVar(&flags.offline, "offline", false,
		"change the store of a stopped agent, and ask no agent")
	return cmd
}

func (a *app) passwd(ctx context.Context, name string, flags passwdFlags) error {
	given, err := a.given()
	if err != nil {
		return err
	}
	if flags.offline && a.settings.URL != "" {
		return exit.Usagef("--offline changes the store on this host, and --url names an agent " +
			"elsewhere; give one of them")
	}
	if !flags.offline && given.URL != "" {
		return a.passwdOnline(ctx, name, flags)
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	if err != nil {
		return err
	}
	if !flags.offline && dir.alive() {
		return a.passwdOnline(ctx, name, flags)
	}
	return a.passwdOffline(ctx, dir, name, flags)
}

// storeDir picks the first data directory with a running agent, else the first with a database.
func storeDir(dirs []dataDir) (dataDir, error) {
	for _, dir := range dirs {
		if dir.alive() {
			return dir, nil
		}
	}
	for _, dir := range dirs {
		_, err := os.Stat(dir.databaseFile())
		if err == nil {
			return dir, nil
		}
		if errors.Is(err, os.ErrPermission) {
			return "", explainDir(dir, err)
		}
	}
	return "",
		exit.Unreachablef("no store of an agent found in %s; name its --data-dir", joined(dirs))
}

func (a *app) passwdOnline(ctx context.Context, name string, flags passwdFlags) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	secret, err := a.newPassword(ctx, name, flags)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, put("/agent/userpassword/update", map[string]string{
		"name": name,
		"pass": secret.Reveal(),
	}))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	return a.printLine(name + ": " + got.sentence())
}

func (a *app) passwdOffline(ctx context.Context, dir dataDir, name string,
	flags passwdFlags,
) error {
	secret, err := a.newPassword(ctx, name, flags)
	if err != nil {
		return err
	}
	if err := storePassword(a.storeOptions(ctx, dir, flags.keyFile), name, secret); err != nil {
		return err
	}
	if a.json {
		return a.write([]byte("{\"success\":true,\"message\":\"User updated successfully\"}\n"))
	}
	return a.printLine(name + ": the password is changed in the store of " + string(dir) +
		"; it counts from the agent's next start")
}

// newPassword reads the password that shall be, or asks for it twice.
func (a *app) newPassword(ctx context.Context, user string, flags passwdFlags) (messages.Secret,
	error,
) {
	secret, err := a.givenPassword(settings{PasswordFile: flags.newFile})
	if err == nil && secret == "" {
		secret, err = a.askNewPassword(ctx, user)
	}
	if err != nil {
		return "", err
	}
	if err := messages.ValidatePassword(secret.Reveal()); err != nil {
		return "", exit.Usagef("the new password %s", messages.AsError(err).Message)
	}
	return secret, nil
}
