package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"gusty/messages"
)

func (a *app) runLogsCommand() *cobra.Command {
	var stream string
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs RUN",
		Short: "Print what a run printed",
		Long: `Print what a run printed, both streams to standard output. With --json, one JSON line a piece: which stream, when, and the text.
With --follow, go on until the run ends, and print standard error to standard error; ending gustyctl does not end the run.`,
		Args:              oneArg,
		ValidArgsFunction: noFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			if follow {
				return a.follow(cmd.Context(), c, args[0], stream)
			}
			return c.copy(cmd.Context(), a.outputRequest(args[0], stream), a.out)
		},
	}
	cmd.Flags().StringVar(&stream, "stream", "all", "stdout, stderr, or all in order of arrival")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run ends")
	return cmd
}

func (a *app) outputRequest(id, stream string) request {
	format := "text"
	if a.json {
		format = "ndjson"
	}
	return get(runPath(id)+"/output", "stream", stream, "format", format)
}

// printOutput prints both streams of a run to ours of the same name.
func (a *app) printOutput(ctx context.Context, c *client, id string) error {
	for _, s := range []struct {
		stream messages.Stream
		to     io.Writer
	}{{messages.Stdout, a.out}, {messages.Stderr, a.errOut}} {
		if err := c.copy(ctx, a.outputRequest(id, s.stream.String()), s.to); err != nil {
			return err
		}
	}
	return nil
}
