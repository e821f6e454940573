package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages/table"
	"gusty/persistence/sqlite"
	"gusty/transfer"
)

// importFlags are the flags of import.
type importFlags struct {
	store   *storeFlags
	dryRun  bool
	partial bool
	content string
}

func (a *app) importCommand() *cobra.Command {
	flags := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take over jobs, parameters and users from a SQLite file or an export",
		Long: `Take over jobs, parameters and users into a running agent, or on its host into the store of one that is stopped. FILE is the Rust
agent's database as it lies on disk or plain, or what export wrote; - is standard input. It says what becomes of every row. Where one is refused nothing is
changed, unless with --partial. Users who are there already stay as they are, and runs are not taken over.`,
		Example: "  gustyctl import --dry-run /opt/rusty_agent/rusty_assets/db.sqlite\n  " +
			"gustyctl import host.sqlite",
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importFile(cmd.Context(), args[0], flags)
		},
	}
	flags.store = a.storeFlags(cmd)
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false,
		"say what would become of each row, and change nothing")
	cmd.Flags().BoolVar(&flags.partial, "partial", false,
		"take over the other rows where some are refused")
	cmd.Flags().StringVar(&flags.content, "content", "",
		"how all scripts of a SQLite file are stored, base64 or plain (default: told for each)")
	return cmd
}

func (a *app) importFile(ctx context.Context, path string, flags *importFlags) error {
	how := sqlite.Encoding(flags.content)
	if how != sqlite.EncodingAuto && how != sqlite.EncodingBase64 && how != sqlite.EncodingPlain {
		return exit.Usagef("--content is %q; it takes base64 or plain", flags.content)
	}
	dir, err := a.stoppedDir(flags.store)
	if err != nil {
		return err
	}
	path, remove, err := a.spooled(ctx, path)
	if err != nil {
		return err
	}
	defer remove()
	if dir == "" {
		return a.importOnline(ctx, path, how, flags)
	}
	return a.importOffline(ctx, path, how, dir, flags)
}

// importSink takes the rows of a file with the numbers of their lines.
type importSink interface {
	// add takes a row; line is how it stands in the file, or nil where that has no lines.
	add(place int, row table.TableRow, line []byte, notes []string) error
	refuse(place int, table, name, why string) error
}

// readImport returns the rows of a file of any form that is taken. Of a SQLite file numbers has, by
// place, each row's number in its table.
func readImport(ctx context.Context, path string, how sqlite.Encoding,
	to importSink,
) (numbers []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Usagef("cannot read the file: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: there is nothing to lose
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, exit.Usagef("cannot read the file: %w", err)
	case sqlite.IsFile(head):
		rows := &numbered{to: to, inTable: map[string]int{}}
		err = sqlite.Read(ctx, path, how, rows)
		numbers = rows.numbers
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")):
		err = readLines(io.MultiReader(bytes.NewReader(head), f), to)
	default:
		err = errors.New(
			"it is neither a SQLite file, plain or of the Rust agent, nor an export of Gusty")
	}
	if err == nil {
		return numbers, nil
	}
	if _, ok := errors.AsType[*exit.Error](err); ok {
		return nil, err
	}
	return nil, exit.Usagef("cannot import %s: %w; nothing was changed", path, err)
}

func readLines(from io.Reader, to importSink) error {
	return eachLine(from, func(number int, line []byte) error {
		row, err := table.ParseLine(line)
		if err != nil {
			fault := table.LineFault(err)
			return to.refuse(number, fault.Table, fault.Name, fault.Why)
		}
		return to.add(number, row, line, nil)
	})
}

// numbered counts the rows of a SQLite file, which have no lines: their places over all tables, and
// what they are told by, their numbers in their tables.
type numbered struct {
	to      importSink
	numbers []int // by place, from 0 on
	inTable map[string]int
}

// Row takes the next row.
func (n *numbered) Row(row table.TableRow, notes []string) error {
	n.count(row.Table())
	return n.to.add(len(n.numbers), row, nil, notes)
}

// Refused takes the next row, which is none.
func (n *numbered) Refused(table, name, why string) error {
	n.count(table)
	return n.to.refuse(len(n.numbers), table, name, why)
}

func (n *numbered) count(table string) {
	n.inTable[table]++
	n.numbers = append(n.numbers, n.inTable[table])
}

// collected lets the rules of an import take the rows.
type collected struct{ rows *transfer.Collector }

func (c collected) add(place int, row table.TableRow, _ []byte, notes []string) error {
	return c.rows.Add(place, row, notes...)
}

func (c collected) refuse(place int, table, name, why string) error {
	return c.rows.Refuse(place, table, name, why)
}

// importOffline changes the store itself.
func (a *app) importOffline(ctx context.Context, path string, how sqlite.Encoding, dir dataDir,
	flags *importFlags,
) error {
	rows := collected{transfer.NewCollector(transfer.Rules{Now: a.now()})}
	numbers, err := readImport(ctx, path, how, rows)
	if err != nil {
		return err
	}
	items := rows.rows.Items()
	store, err := openStore(a.storeOptions(ctx, dir, flags.store.keyFile))
	if err != nil {
		return err
	}
	result, err := importInto(store, items, flags, a.now())
	if closing := store.Close(); err == nil && closing != nil {
		err = exit.Failedf("cannot close the store: %w", closing)
	}
	if err != nil {
		return err
	}
	return a.reportImport(&importReport{
		Applied: result.Applied,
		DryRun:  flags.dryRun,
		Rows:    result.Rows,
	}, numbers, flags)
}
