package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages/table"
)

// storeFlags say whether a command works on the store of a stopped agent.
type storeFlags struct {
	offline bool
	keyFile string
}

func (a *app) storeFlags(cmd *cobra.Command) *storeFlags {
	f := &storeFlags{}
	cmd.Flags().BoolVar(&f.offline, "offline", false,
		"work on the store of a stopped agent, and ask no agent")
	cmd.Flags().StringVar(&f.keyFile, "key-file", a.getenv("GUSTY_KEY_FILE"),
		"`file` of the store's key, where the agent is started with one (GUSTY_KEY_FILE)")
	return f
}

// stoppedDir returns the data directory whose store is to be opened, or "" where a running agent is
// to be asked.
func (a *app) stoppedDir(f *storeFlags) (dataDir, error) {
	given, err := a.given()
	if err != nil {
		return "", err
	}
	if f.offline && a.settings.URL != "" {
		return "", exit.Usagef("--offline works on the store on this host, and --url names an " +
			"agent " +
			"elsewhere; give one of them")
	}
	if !f.offline && given.URL != "" {
		return "", nil
	}
	dir, err := storeDir(candidates(given.DataDir, a.getenv))
	if err != nil || !f.offline && dir.alive() {
		return "", err
	}
	return dir, nil
}

// eachLine reads lines of up to messages.MaxLineBytes; each gets the number of the line, from 1 on,
// and the line without its end. Blank lines are left out.
func eachLine(from io.Reader, each func(number int, line []byte) error) error {
	in := bufio.NewReaderSize(from, 256<<10)
	var buf []byte
	for number := 1; ; number++ {
		line, last, err := nextLine(in, &buf)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if line = trimmed(line); len(line) > 0 {
			if err := each(number, line); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// nextLine returns the next line with its end, in the reader's own space or, where it does not fit
// there, in buf. last says that nothing follows.
func nextLine(in *bufio.Reader, buf *[]byte) (line []byte, last bool, err error) {
	line, err = in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := (*buf)[:0]
		for errors.Is(err, bufio.ErrBufferFull) && len(long) <= table.MaxLineBytes {
			long = append(long, line...)
			line, err = in.ReadSlice('\n')
		}
		if len(long) > table.MaxLineBytes {
			return nil, false, exit.Failedf("it is over %d MiB", table.MaxLineBytes>>20)
		}
		long = append(long, line...)
		line, *buf = long, long
	}
	if errors.Is(err, io.EOF) {
		return line, true, nil
	}
	return line, false, err
}

func trimmed(line []byte) []byte {
	for len(line) > 0 &&
		(line[len(line)-1] == '\n' || line[len(line)-1] == '\r' || line[len(line)-1] == ' ') {
		line = line[:len(line)-1]
	}
	return line
}

// exportLines returns the lines of a running agent's export.
func (c *client) exportLines(ctx context.Context, query table.ExportQuery,
	each func(line []byte) error,
) error {
	response, err := c.send(ctx,
		get("/agent/export", "runs", flagText(query.Runs), "secrets", flagText(query.Secrets)))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // what was read is checked by its own errors
	if response.StatusCode >= http.StatusMultipleChoices {
		// the status alone makes a sentence too
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
		return refusal(response, body, c.target)
	}
	var failed error
	err = eachLine(response.Body, func(_ int, line []byte) error {
		failed = each(line)
		return failed
	})
	if err != nil && failed == nil {
		return explain(err, c.target)
	}
	return err
}

func flagText(on bool) string {
	if on {
		return "true"
	}
	return ""
}
