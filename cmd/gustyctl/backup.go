package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"gusty/internal/atomicfile"
	"gusty/persistence"
)

const backupPath = "/agent/backup"

// backupBytesHeader tells how large the files of the backup that follows are together.
const backupBytesHeader = "X-Gusty-Backup-Bytes"

func (a *app) backupCommand() *cobra.Command {
	var offline bool
	var keyFile string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the agent's store, still encrypted, into one file",
		Long: `Copy the agent's store into one file: the database and what runs printed, as one moment shows them, still encrypted. A running agent makes
it and goes on meanwhile; the store of a stopped one is copied itself. FILE appears when all of it is there and checked, and replaces one of
the same name. It is a tar archive with a manifest.json.

The key is not in it. Keep a copy of the key elsewhere: without it nobody can read the backup.`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backup(cmd.Context(), args[0], offline, keyFile)
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "copy the store of a stopped agent, and ask no agent")
	a.keyFileFlag(cmd, &keyFile)
	return cmd
}

// keyFileFlag is the flag of those commands that open a store themselves.
func (a *app) keyFileFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "key-file", a.getenv("GUSTY_KEY_FILE"), "`file` of the store's key, where the agent is started with one (GUSTY_KEY_FILE)")
}

func (a *app) backup(ctx context.Context, file string, offline bool, keyFile string) error {
	dir, err := a.offlineDir(offline)
	if err != nil {
		return err
	}
	if dir == "" {
		return a.backupOnline(ctx, file)
	}
	return a.backupOffline(a.storeOptions(ctx, dir, keyFile), file)
}

// offlineDir gives the data directory whose store is to be used itself, or nothing where an agent is to be asked: one that was named by its
// address, or one that runs here.
func (a *app) offlineDir(offline bool) (dataDir, error) {
	given, err := a.given()
	if err != nil {
		return "", err
	}
	if offline && a.settings.URL != "" {
		return "", usagef("--offline uses the store on this host, and --url names an agent elsewhere; give one of them")
	}
	if !offline && given.URL != "" {
		return "", nil
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	if err != nil || !offline && dir.alive() {
		return "", err
	}
	return dir, nil
}

func (a *app) backupOnline(ctx context.Context, file string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	stop := a.spin("the agent makes a copy")
	response, err := c.open(ctx, get(backupPath))
	stop()
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()                                 // what was read is checked by its own errors
	total, _ := strconv.ParseInt(response.Header.Get(backupBytesHeader), 10, 64) // 0: unknown
	return a.saveBackup(file, total, func(w io.Writer) error {
		if _, err := io.Copy(w, response.Body); err != nil {
			return explain(err, c.target)
		}
		return nil
	})
}

func (a *app) backupOffline(o persistence.Options, file string) error {
	store, err := openStore(o)
	if err != nil {
		return err
	}
	err = a.backupStore(store, file)
	if closing := store.Close(); err == nil && closing != nil {
		err = failedf("cannot close the store: %w", closing)
	}
	return err
}

func (a *app) backupStore(store *persistence.Store, file string) error {
	b, err := store.Backup()
	if err != nil {
		return failedf("cannot copy the store: %w", err)
	}
	defer b.Close()
	return a.saveBackup(file, b.Bytes(), func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	})
}

// saveBackup writes a backup beside file, reads it again, and gives it its name when all is well.
func (a *app) saveBackup(file string, total int64, write func(io.Writer) error) error {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part")
	if err != nil {
		return failedf("cannot write the backup: %w", err)
	}
	manifest, size, err := a.fillBackup(part, total, write)
	if err != nil {
		return errors.Join(err, part.Close(), os.Remove(part.Name()))
	}
	err = errors.Join(part.Close(), os.Rename(part.Name(), file), atomicfile.SyncDir(filepath.Dir(file)))
	if err != nil {
		_ = os.Remove(part.Name()) // it has its name already where the last step failed
		return failedf("cannot give the backup its name: %w", err)
	}
	return a.reportBackup(file, size, manifest)
}

func (a *app) fillBackup(part *os.File, total int64, write func(io.Writer) error) (m persistence.Manifest, size int64, err error) {
	receiving := a.meter("copying", total)
	err = write(io.MultiWriter(part, receiving))
	receiving.end()
	if err != nil {
		return m, 0, err
	}
	if err := part.Sync(); err != nil {
		return m, 0, failedf("cannot write the backup: %w", err)
	}
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return m, 0, failedf("cannot read the backup: %w", err)
	}
	checking := a.meter("checking", receiving.done)
	m, err = persistence.ReadBackup(io.TeeReader(part, checking), func(_ string, content io.Reader) error {
		_, err := io.Copy(io.Discard, content)
		return err
	})
	checking.end()
	if err != nil {
		return m, 0, failedf("the backup is not whole; make another one: %w", err)
	}
	return m, receiving.done, nil
}

// backupReport is what --json prints.
type backupReport struct {
	File          string `json:"file"`
	Bytes         int64  `json:"bytes"`
	Files         int    `json:"files"`
	DatabaseID    string `json:"database_id"`
	TransactionID uint64 `json:"transaction_id"`
	MadeAt        string `json:"made_at"`
	Version       string `json:"version"`
}

func (a *app) reportBackup(file string, size int64, m persistence.Manifest) error {
	if a.json {
		return a.printValue(backupReport{
			File: file, Bytes: size, Files: len(m.Files), DatabaseID: m.DatabaseID, TransactionID: m.TransactionID,
			MadeAt: m.MadeAt.Format("2006-01-02T15:04:05Z07:00"), Version: m.Version,
		})
	}
	if err := a.printRows(backupRows(file, size, m, a)); err != nil {
		return err
	}
	a.note("It opens with the agent's key only, which is not in it; keep a copy of that elsewhere.")
	return nil
}

func backupRows(file string, size int64, m persistence.Manifest, a *app) [][2]string {
	return [][2]string{
		{"backup", file},
		{"size", humaneBytes(float64(size))},
		{"made", a.localTime(m.MadeAt)},
		{"database", m.DatabaseID},
		{"transaction", strconv.FormatUint(m.TransactionID, 10)},
		{"output files", strconv.Itoa(len(m.Files) - 1)},
	}
}
