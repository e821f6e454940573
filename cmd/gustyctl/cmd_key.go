package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/outfile"
	"gusty/messages"
	"gusty/persistence"
)

// keyFlags are the flags of key rotate.
type keyFlags struct {
	data              bool
	detach            bool
	keyFile           string
	newKeyFile        string
	newPassphrase     bool
	newPassphraseFile string
}

func (a *app) keyCommand() *cobra.Command {
	return group("key", "Change the keys of the store", a.keyStatusCommand(), a.keyRotateCommand(),
		a.keyExportCommand())
}

func (a *app) keyStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show which data key is in use, and how far a change of it is",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.show(cmd.Context(), get(rotatePath))
		},
	}
}

func (a *app) keyExportCommand() *cobra.Command {
	keyFile := ""
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a copy of the key, to keep somewhere else",
		Long: `Write the key of the store on this host to a new file, which is as secret as the key itself: for a copy that is kept somewhere else. On Windows
it is the only copy that opens the store on another machine.
Of a passphrase there is nothing to export.

` + toStandardOutput,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keyExport(cmd.Context(), keyFile, args[0])
		},
	}
	cmd.Flags().StringVar(&keyFile, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the key, where the agent is started with one (GUSTY_KEY_FILE)")
	return cmd
}

func (a *app) keyExport(ctx context.Context, keyFile, to string) error {
	given, err := a.given()
	if err != nil {
		return err
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	if err != nil {
		return err
	}
	text, err := persistence.ExportKey(persistence.Options{Dir: string(dir), KeyFile: keyFile})
	if err != nil {
		return exit.Failedf("the key of %s was not exported: %w", dir, err)
	}
	t, err := a.openTarget(ctx, to, outfile.Options{Secret: true, New: true}, keyFile)
	if err == nil {
		_, err = t.Write(text)
		err = finishTarget(t, explainWrite(err))
	}
	if err != nil {
		return exit.NewExitError(exit.Code(err), "the key of %s was not exported: %w", dir, err)
	}
	if to == outfile.StandardOutput {
		to = "what standard output goes to"
	}
	a.note("the key of %s is in %s; whoever reads it and the database reads everything", dir, to)
	return nil
}

func (a *app) keyRotateCommand() *cobra.Command {
	var flags keyFlags
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Change the key-encryption key of a stopped agent, or with --data the data key",
		Long: `Change the key that wraps the data keys, in the store of a stopped agent: a new one takes the place of the key file, which is kept under
another name for backups that were made with it; or the key comes from somewhere else from now on. Rows are not touched, so this is quick.

With --data, change the data key itself: everything in the store is sealed anew, in the background of a running agent, which goes on serving,
or at once in the store of a stopped one. What interrupts that is no loss; it goes on when the agent runs.`,
		Example: `  gustyctl key rotate                                  a new key in the place of the key file
  gustyctl key rotate --new-key-file /etc/gusty/key    from the data directory to another file, made where it is not there
  gustyctl key rotate --new-passphrase                 to a passphrase, which is asked for
  gustyctl key rotate --data                           a new data key`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.keyRotate(cmd.Context(), flags)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&flags.data, "data", false, "change the data key: seal everything anew")
	f.BoolVar(&flags.detach, "detach", false,
		"with --data: do not wait until a running agent is done")
	f.StringVar(&flags.keyFile, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the present key, where the agent is started with one (GUSTY_KEY_FILE)")
	f.StringVar(&flags.newKeyFile, "new-key-file", "",
		"`file` that the key is to come from; it is made where it is not there")
	f.BoolVar(&flags.newPassphrase, "new-passphrase", false,
		"ask for a passphrase, which the key is to come from")
	f.StringVar(&flags.newPassphraseFile, "new-passphrase-file", "",
		"`file` whose first line is that passphrase, - for standard input")
	return cmd
}

func (f *keyFlags) check() error {
	named := 0
	for _, given := range []bool{
		f.newKeyFile != "", f.newPassphrase, f.newPassphraseFile != "",
		f.data,
	} {
		if given {
			named++
		}
	}
	if named > 1 {
		return exit.Usagef("--new-key-file, --new-passphrase and --new-passphrase-file name one " +
			"thing, and --data takes none of them; give one at most")
	}
	if f.newKeyFile == "-" {
		return exit.Usagef("the new key cannot go to standard output: an agent reads it at each " +
			"start; name a file")
	}
	if f.detach && !f.data {
		return exit.Usagef("--detach goes with --data alone; leave it out")
	}
	return nil
}

func (a *app) keyRotate(ctx context.Context, flags keyFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	given, err := a.given()
	if err != nil {
		return err
	}
	if given.URL != "" {
		return a.keyRotateAt(ctx, flags)
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	switch {
	case err != nil:
		return err
	case dir.alive() && flags.data:
		return a.rotateOnline(ctx, flags.detach)
	case flags.data:
		return a.rotateOffline(ctx, dir, flags.keyFile)
	}
	return a.changeKey(ctx, dir, flags)
}

func (a *app) keyRotateAt(ctx context.Context, flags keyFlags) error {
	if !flags.data {
		return exit.Usagef(
			"the key-encryption key is changed on the agent's own host, with the agent " +
				"stopped; --url goes with --data alone")
	}
	return a.rotateOnline(ctx, flags.detach)
}

// changeKey wraps the data keys of a stopped agent's store with another key.
func (a *app) changeKey(ctx context.Context, dir dataDir, flags keyFlags) error {
	to := persistence.NewKey{File: flags.newKeyFile}
	var err error
	if flags.newPassphrase || flags.newPassphraseFile != "" {
		if to.Passphrase, err = a.newStorePassphrase(ctx, flags.newPassphraseFile); err != nil {
			return err
		}
	}
	kept, err := persistence.ChangeKey(a.storeOptions(ctx, dir, flags.keyFile), to)
	if err != nil {
		return explainKey(dir, err)
	}
	return a.sayKeyChanged(dir, kept)
}

func (a *app) sayKeyChanged(dir dataDir, kept string) error {
	if a.json {
		body, err := json.Marshal(map[string]string{"data_dir": string(dir), "old_key_file": kept})
		if err != nil {
			return exit.Failedf("cannot print: %w", err)
		}
		return a.printJSON(body)
	}
	line := "the store of " + string(dir) + " opens with the new key alone"
	if kept != "" {
		line += "; the old one is kept in " + kept +
			": backups of before open with it, delete it when there are none"
	}
	return a.printLine(line)
}

// storeOptions are those of a store whose passphrase, where it has one, is asked for here, once.
func (a *app) storeOptions(ctx context.Context, dir dataDir, keyFile string) persistence.Options {
	o := persistence.Options{
		Dir: string(dir), KeyFile: keyFile, Existing: true, Logger: slog.New(storeWarnings{a}),
	}
	if isTerminal(a.in) {
		ask := sync.OnceValues(func() (messages.Secret, error) {
			return a.askPassword(ctx, "Passphrase of the store: ")
		})
		o.AskPassphrase = func(bool) (messages.Secret, error) { return ask() }
	}
	return o
}

// newStorePassphrase reads the passphrase that shall be, or asks for it twice.
func (a *app) newStorePassphrase(ctx context.Context, file string) (messages.Secret, error) {
	if file != "" {
		return a.givenPassword(settings{PasswordFile: file})
	}
	return a.askNewPassword(ctx, "the store (a passphrase)")
}

func explainKey(dir dataDir, err error) error {
	if errors.Is(err, persistence.ErrNoPlaceForKey) {
		return exit.Usagef("%w, with --new-key-file, --new-passphrase or --new-passphrase-file",
			err)
	}
	return explainCompaction(dir, err)
}
