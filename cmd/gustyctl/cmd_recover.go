package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/persistence"
)

// salvageCommand is how gustyctl starts itself to read a damaged database in a process of its own:
// damage there can end the process that reads.
const salvageCommand = "salvage-store"

func (a *app) recoverCommand() *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Bring what is readable of a damaged database into a new one",
		Long: `Bring what is readable of a stopped agent's damaged database into a new one, and list what was lost. The damaged file stays beside it under
a name with the time. Where there is a backup that is new enough, restore that instead: a recovered store may lack anything.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.recoverStore(cmd.Context(), keyFile)
		},
	}
	a.keyFileFlag(cmd, &keyFile)
	return cmd
}

func (a *app) recoverStore(ctx context.Context, keyFile string) error {
	dir, err := a.restoreDir()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return exit.Failedf("cannot find this program to start it again: %w", err)
	}
	stop := a.spin("reading the damaged database")
	store := a.storeOptions(ctx, dir, keyFile)
	done, err := persistence.Recover(persistence.RecoverOptions{
		Dir: string(dir), KeyFile: keyFile, AskPassphrase: store.AskPassphrase,
		Logger: store.Logger,
		Read:   persistence.SpawnSalvager(self, salvageCommand),
	})
	stop()
	if held, ok := errors.AsType[*persistence.InUseError](err); ok {
		return inUseToReplace(dir, held.PID)
	}
	if err != nil {
		return exit.Failedf("nothing was changed: %w", err)
	}
	return a.reportRecovered(&done)
}

func (a *app) reportRecovered(done *persistence.Recovered) error {
	if a.json {
		return a.printValue(done)
	}
	var lines [][]string
	for i := range done.Buckets {
		if b := &done.Buckets[i]; b.Found > 0 || b.Lost != 0 {
			lines = append(lines, recoveredLine(b))
		}
	}
	if err := a.printTable([]string{"TABLE", "FOUND", "LOST", "MAY BE OLD", "LOST NAMES"},
		lines); err != nil {
		return err
	}
	if len(done.Strays) > 0 {
		a.note("look at these, which may be old or may have been deleted: %s",
			strings.Join(done.Strays, ", "))
	}
	if done.Broken != "" {
		a.note("the reading ended early: %s", done.Broken)
	}
	a.note("the damaged file is kept as %s", done.Kept)
	return nil
}

func recoveredLine(b *persistence.RecoveredBucket) []string {
	lost := strconv.FormatInt(b.Lost, 10)
	if b.Lost < 0 {
		lost = "unknown"
	}
	return []string{
		b.Name, strconv.FormatUint(b.Found, 10), lost, strconv.FormatUint(b.Stray, 10),
		strings.Join(b.Names, ", "),
	}
}
