package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
	"gusty/persistence"
)

func (a *app) restoreCommand() *cobra.Command {
	var keyFile string
	var installKey bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the store of a stopped agent",
		Long: `Put a backup in the place of the store of a stopped agent. The whole backup is verified first: its checksums, that its key opens it, every
row and every piece of output. Only then it takes the store's place, and what was there stays beside it under names with the time.
FILE may be - for standard input.

On another machine, or where the key was lost too, name a copy of the key with --key-file; --install-key puts it into the data directory.`,
		Example: "  gustyctl restore nightly.tar\n  ssh vault cat nightly.tar | gustyctl restore " +
			"-\n  gustyctl restore nightly.tar --data-dir /var/lib/gusty --key-file " +
			"/root/gusty.key --install-key",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.restore(cmd.Context(), args[0], keyFile, installKey)
		},
	}
	a.keyFileFlag(cmd, &keyFile)
	cmd.Flags().BoolVar(&installKey, "install-key", false,
		"put the key of --key-file into the data directory, too")
	return cmd
}

func (a *app) restore(ctx context.Context, file, keyFile string, installKey bool) error {
	if installKey && keyFile == "" {
		return exit.Usagef("--install-key needs --key-file, which names the key")
	}
	dir, err := a.restoreDir()
	if err != nil {
		return err
	}
	archive, err := a.openInput(file)
	if err != nil {
		return exit.Usagef("cannot read the backup: %w", err)
	}
	defer func() { _ = archive.Close() }() // opened for reading: there is nothing to lose
	info, err := archive.Stat()
	if err != nil {
		return exit.Failedf("cannot read the backup: %w", err)
	}
	store := a.storeOptions(ctx, dir, keyFile)
	reading := a.meter("unpacking", info.Size())
	done, err := persistence.Restore(persistence.RestoreOptions{
		Dir: string(dir), KeyFile: keyFile, InstallKey: installKey,
		AskPassphrase: store.AskPassphrase,
		Logger:        store.Logger,
	}, io.TeeReader(archive, reading))
	reading.end()
	if err != nil {
		return explainRestore(dir, err)
	}
	if err := a.reportRestored(store, &done); err != nil {
		return err
	}
	isNamed := keyFile != "" && keyFile != a.getenv("GUSTY_KEY_FILE") &&
		filepath.Clean(keyFile) != dir.keyFile()
	if isNamed && !installKey {
		a.note("the agent opens it with that key only: start it with --key-file %s, or restore "+
			"with --install-key", keyFile)
	}
	return nil
}

// restoreDir is the data directory that was named, or the usual one: it need not exist.
func (a *app) restoreDir() (dataDir, error) {
	given, err := a.given()
	if err != nil {
		return "", err
	}
	if a.settings.URL != "" {
		return "", exit.Usagef("a backup is restored on the agent's own host, with the agent " +
			"stopped; " +
			"leave out --url")
	}
	dirs := candidates(given.DataDir, a.getenv)
	if len(dirs) == 0 {
		return "", exit.Usagef("name the agent's data directory with --data-dir")
	}
	if dir, err := storeDir(dirs); err == nil {
		return dir, nil
	}
	return dirs[0], nil
}

func explainRestore(dir dataDir, err error) error {
	if held, ok := errors.AsType[*persistence.InUseError](err); ok {
		return inUseToReplace(dir, held.PID)
	}
	return exit.Failedf("the backup was not restored: %w", err)
}

// inUseToReplace says who holds the store that was to be replaced.
func inUseToReplace(dir dataDir, pid int) error {
	holder := "another process"
	if pid != 0 {
		holder = fmt.Sprintf("process %d", pid)
	}
	return exit.Failedf(
		"nothing was replaced: the store of %s is held by %s, the running agent; stop "+
			"it first (systemctl stop gusty, or gustyctl shutdown)",
		dir, holder)
}

func (a *app) reportRestored(store persistence.Options, done *persistence.Restored) error {
	dir := dataDir(store.Dir)
	stale, err := dir.setStalePasswordAside(store)
	if err != nil {
		return exit.Failedf("the backup is restored, but %s could not be looked at: %w",
			dir.passwordFile(), err)
	}
	if stale != "" {
		done.Kept = append(done.Kept, stale)
	}
	if a.json {
		return a.printValue(map[string]any{
			"data_dir": string(dir), "made_at": done.Manifest.MadeAt,
			"database_id":    done.Manifest.DatabaseID,
			"transaction_id": done.Manifest.TransactionID, "kept": append([]string{}, done.Kept...),
		})
	}
	rows := [][2]string{
		{"restored", string(dir)},
		{"made", a.localTime(done.Manifest.MadeAt)},
		{"database", done.Manifest.DatabaseID},
		{"output files", fmt.Sprint(len(done.Manifest.Files) - 1)},
	}
	for _, kept := range done.Kept {
		rows = append(rows, [2]string{"kept", kept})
	}
	return a.printRows(rows)
}

// setStalePasswordAside renames admin-password where its password is not the user's in the store
// any more, and returns the new name.
func (d dataDir) setStalePasswordAside(o persistence.Options) (string, error) {
	user, password, err := d.firstCredentials()
	if err != nil || user == "" {
		return "", err
	}
	current := false
	store, err := openStore(o)
	if err != nil {
		return "", err
	}
	_, err = store.LoadUsers(func(u messages.User) error {
		if u.Name == user {
			current = bcrypt.CompareHashAndPassword([]byte(u.Hash.Reveal()),
				[]byte(password.Reveal())) == nil
		}
		return nil
	})
	if err := errors.Join(err, store.Close()); err != nil || current {
		return "", err
	}
	aside := freeName(d.passwordFile() + ".replaced")
	return aside, os.Rename(d.passwordFile(), aside)
}

// freeName returns the name, or where it is taken, one with a number behind it.
func freeName(name string) string {
	free := name
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); err != nil {
			return free
		}
		free = fmt.Sprint(name, "-", n)
	}
}
