package main

import (
	"context"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/internal/outfile"
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

` + toStandardOutput + ` Such a backup is checked
while it is written, and the exit code tells whether it is whole.

The key is not in it. Keep a copy of the key elsewhere: without it nobody can read the backup.`,
		Example: `  gustyctl backup nightly.tar
  gustyctl backup - | ssh vault 'cat > nightly.tar'`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backup(cmd.Context(), args[0], offline, keyFile)
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false,
		"copy the store of a stopped agent, and ask no agent")
	a.keyFileFlag(cmd, &keyFile)
	return cmd
}

// keyFileFlag is the flag of those commands that open a store themselves.
func (a *app) keyFileFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the store's key, where the agent is started with one (GUSTY_KEY_FILE)")
}

func (a *app) backup(ctx context.Context, file string, offline bool, keyFile string) error {
	dir, err := a.offlineDir(offline)
	if err != nil {
		return err
	}
	t, err := a.openTarget(ctx, file, outfile.Options{}, keyFile)
	if err != nil {
		return err
	}
	defer func() { _ = t.Discard() }() // after another end than that of an error nothing is left
	if dir == "" {
		return a.backupOnline(ctx, t)
	}
	return a.backupOffline(a.storeOptions(ctx, dir, keyFile), t)
}

// offlineDir returns the data directory whose store is to be used itself, or nothing where an agent
// is to be asked: one that was named by its address, or one that runs here.
func (a *app) offlineDir(offline bool) (dataDir, error) {
	given, err := a.given()
	if err != nil {
		return "", err
	}
	if offline && a.settings.URL != "" {
		return "", exit.Usagef("--offline uses the store on this host, and --url names an agent " +
			"elsewhere; give one of them")
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

func (a *app) backupOnline(ctx context.Context, t *outfile.Target) error {
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
	// what was read is checked by its own errors
	defer func() { _ = response.Body.Close() }()
	total, _ := strconv.ParseInt(response.Header.Get(backupBytesHeader), 10, 64) // 0: unknown
	return a.saveBackup(t, total, func(w io.Writer) error {
		return c.copyBody(w, response)
	})
}

func (a *app) backupOffline(o persistence.Options, t *outfile.Target) error {
	store, err := openStore(o)
	if err != nil {
		return err
	}
	err = a.backupStore(store, t)
	if closing := store.Close(); err == nil && closing != nil {
		err = exit.Failedf("cannot close the store: %w", closing)
	}
	return err
}

func (a *app) backupStore(store *persistence.Store, t *outfile.Target) error {
	b, err := store.Backup()
	if err != nil {
		return exit.Failedf("cannot copy the store: %w", err)
	}
	defer b.Close()
	return a.saveBackup(t, b.Bytes(), func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	})
}

// backupWriter writes a whole backup.
type backupWriter func(io.Writer) error

// saveBackup writes a backup to t. A file gets its name when it was read again and all is well.
// What goes to a stream is read along, and the exit code tells.
func (a *app) saveBackup(t *outfile.Target, total int64, write backupWriter) error {
	save := a.saveToFile
	if t.IsStream() {
		save = a.saveToStream
	}
	made, err := save(t, total, write)
	if err := finishTarget(t, err); err != nil {
		return err
	}
	return a.reportBackup(t, made.size, made.manifest)
}

// saved is what was written, and what a look at it shows.
type saved struct {
	size     int64
	manifest persistence.Manifest
}

func (a *app) saveToFile(t *outfile.Target, total int64, write backupWriter) (s saved, err error) {
	receiving := a.meter("copying", total)
	err = write(io.MultiWriter(t, receiving))
	receiving.end()
	if err != nil {
		return s, explainWrite(err)
	}
	if _, err := t.File().Seek(0, io.SeekStart); err != nil {
		return s, exit.Failedf("cannot read the backup: %w", err)
	}
	s.size = receiving.done
	checking := a.meter("checking", s.size)
	s.manifest, err = readBackup(io.TeeReader(t.File(), checking))
	checking.end()
	return s, err
}

func (a *app) saveToStream(t *outfile.Target, total int64, write backupWriter) (s saved,
	err error,
) {
	type checked struct {
		manifest persistence.Manifest
		err      error
	}
	along, copied := io.Pipe()
	done := make(chan checked, 1)
	go func() {
		manifest, err := readBackup(along)
		_, _ = io.Copy(io.Discard, along) // what stands behind the archive must go on, too
		done <- checked{manifest, err}
	}()
	receiving := a.meter("copying", total)
	err = write(io.MultiWriter(t, receiving, copied))
	receiving.end()
	_ = copied.CloseWithError(err) // it has none of its own
	got := <-done
	if err != nil {
		return s, explainWrite(err)
	}
	return saved{receiving.done, got.manifest}, got.err
}

// readBackup checks a backup by its manifest.
func readBackup(from io.Reader) (persistence.Manifest, error) {
	m, err := persistence.ReadBackup(from, func(_ string, content io.Reader) error {
		_, err := io.Copy(io.Discard, content)
		return err
	})
	if err != nil {
		return m, exit.Failedf("the backup is not whole; make another one: %w", err)
	}
	return m, nil
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

// reportBackup says what was made, beside standard output where the backup itself went there.
func (a *app) reportBackup(t *outfile.Target, size int64, m persistence.Manifest) error {
	to := *a
	if t.ToStandardOutput() {
		to.out = a.errOut
	}
	if a.json {
		return to.printValue(backupReport{
			File: t.Name(), Bytes: size, Files: len(m.Files),
			DatabaseID: m.DatabaseID, TransactionID: m.TransactionID,
			MadeAt: m.MadeAt.Format("2006-01-02T15:04:05Z07:00"), Version: m.Version,
		})
	}
	if err := to.printRows(backupRows(t.Name(), size, m, a)); err != nil {
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
