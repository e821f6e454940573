package main

import (
	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

const rootHelp = `Drive a Gusty agent.

On the agent's own host nothing else is needed: the address, the CA and the first credentials are found in the agent's data
directory (--data-dir, GUSTY_DATA_DIR, the system's place, then ./.gusty). Elsewhere give --url, --user and --ca (or --fingerprint),
or GUSTY_URL, GUSTY_USER, GUSTY_CA, GUSTY_FINGERPRINT, or a --profile of the file profiles.yaml.
The password is asked for on a terminal, or comes from --password-file, GUSTY_PASSWORD_FILE, GUSTY_PASSWORD or the profile.

` + exit.Help

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "gustyctl",
		Short:         "Drive a Gusty agent",
		Long:          rootHelp,
		Version:       thisBuild().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          showHelp,
	}
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	root.SetVersionTemplate("gustyctl {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit.Usagef("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	a.globalFlags(root)
	root.AddCommand(
		a.statusCommand(), a.infoCommand(), a.metricCommand(), a.doctorCommand(), a.configCommand(),
		a.jobCommand(), a.applyCommand(), a.runCommand(),
		a.execCommand(), a.outboxCommand(), a.openSearchCommand(), a.userCommand(), a.dbCommand(),
		a.restartCommand(), a.shutdownCommand(), a.versionCommand(),
		a.backupCommand(), a.restoreCommand(), a.recoverCommand(), a.exportCommand(),
		a.importCommand(), a.keyCommand(),
	)
	return root
}

func (a *app) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.settings.DataDir, "data-dir", "",
		"data `directory` of the agent on this host")
	flags.StringVar(&a.settings.URL, "url", "", "the agent's `address`, https://host:port (default port 20140)")
	flags.StringVar(&a.settings.User, "user", "", "`name` to log in with (default Admin)")
	flags.StringVar(&a.settings.CA, "ca", "", "PEM `file` with the CA of the agent's certificate")
	flags.StringVar(&a.settings.Fingerprint, "fingerprint", "",
		"SHA-256 `fingerprint` of the agent's own certificate, in hex")
	flags.StringVar(&a.settings.PasswordFile, "password-file", "",
		"`file` whose first line is the password to log in with, - for standard input")
	flags.StringVar(&a.settings.Profile, "profile", "", "`name` of a profile in "+
		profilePathForHelp())
	flags.BoolVar(&a.json, "json", false, "print the agent's JSON")
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: knownCommand, RunE: showHelp}
	cmd.AddCommand(commands...)
	return cmd
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// knownCommand refuses a word that is no command of cmd; cobra alone would answer it with the help
// text and success.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return exit.Usagef("%q is not a command of %q; did you mean %q?", args[0],
			cmd.CommandPath(),
			near[0])
	}
	return exit.Usagef("%q is not a command of %q; see %q", args[0], cmd.CommandPath(),
		cmd.CommandPath()+" --help")
}

// usage makes a check of arguments end in the exit code of wrong usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return exit.Usagef("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

func noArgs(cmd *cobra.Command, args []string) error { return usage(cobra.NoArgs)(cmd, args) }

func oneArg(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1))(cmd, args) }
