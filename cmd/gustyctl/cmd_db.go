package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/persistence"
)

func (a *app) dbCommand() *cobra.Command {
	return group("db", "Look after the database of a stopped agent", a.dbCompactCommand())
}

func (a *app) dbCompactCommand() *cobra.Command {
	keyFile := ""
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Write the database anew, without what is free in it",
		Long: `Write the database of a stopped agent anew, without what is free in it. The file is verified, copied beside itself and compared with the
copy, which then takes its place: what interrupts that leaves the database as it was. The disk must have room for both. An agent does the same
by itself at a start where more than half of the file is free.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.compact(cmd.Context(), keyFile)
		},
	}
	cmd.Flags().StringVar(&keyFile, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the store's key, where the agent is started with one (GUSTY_KEY_FILE)")
	return cmd
}

func (a *app) compact(ctx context.Context, keyFile string) error {
	given, err := a.given()
	if err != nil {
		return err
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	if err != nil {
		return err
	}
	progress, clearLine := a.percent("compacting")
	done, err := persistence.Compact(a.storeOptions(ctx, dir, keyFile), progress)
	clearLine()
	if err != nil {
		return explainCompaction(dir, err)
	}
	if a.json {
		return a.write(fmt.Appendf(nil, "{\"before_bytes\":%d,\"after_bytes\":%d}\n", done.Before,
			done.After))
	}
	return a.printLine(fmt.Sprintf("%s: %s, was %s", dir.databaseFile(),
		humaneBytes(float64(done.After)), humaneBytes(float64(done.Before))))
}

func explainCompaction(dir dataDir, err error) error {
	if held, ok := errors.AsType[*persistence.InUseError](err); ok {
		return exit.Failedf("the store of %s is held by %s, the running agent; stop it first "+
			"(systemctl stop gusty, or gustyctl shutdown)",
			dir, holder(held.PID))
	}
	if errors.Is(err, fs.ErrPermission) {
		return exit.Failedf(
			"the store of %s is closed to this user; run as the agent's user (sudo)",
			dir)
	}
	return exit.Failedf("%w; the database of %s is as it was", err, dir)
}

// percent shows on a terminal how far something is, as it is told; clearLine makes the line empty
// again.
func (a *app) percent(what string) (progress func(done, all uint64), clearLine func()) {
	if !isTerminal(a.errOut) {
		return nil, func() {}
	}
	var drawn time.Time
	progress = func(done, all uint64) {
		if now := a.now(); all > 0 && (now.Sub(drawn) >= barPause || done == all) {
			drawn = now
			fmt.Fprintf(a.errOut, "\r\x1b[K%s  %3d %%", what, done*100/all)
		}
	}
	return progress, func() { fmt.Fprint(a.errOut, "\r\x1b[K") }
}
