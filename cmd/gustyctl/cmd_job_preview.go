package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// previewRequest asks when an expression fires.
type previewRequest struct {
	cron     string
	timeZone string
	from     string
	count    int
}

// previewAnswer is what an expression means.
type previewAnswer struct {
	Description string      `json:"description"`
	Next        []time.Time `json:"next"`
}

func (a *app) jobPreviewCommand() *cobra.Command {
	var p previewRequest
	cmd := &cobra.Command{
		Use:     "preview EXPRESSION",
		Short:   "Say what a cron expression means and when it fires next",
		Example: `  gustyctl job preview "30 2 * * MON" --time-zone Europe/Berlin`,
		Args:    oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.cron = args[0]
			if a.json {
				return a.show(cmd.Context(), p.request())
			}
			c, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			return a.preview(cmd.Context(), c, p)
		},
	}
	cmd.Flags().StringVar(&p.timeZone, "time-zone", "",
		"IANA time `zone` of the expression (default: the agent host's)")
	cmd.Flags().StringVar(&p.from, "from", "", "first `time` to look from, RFC 3339 (default: now)")
	cmd.Flags().IntVar(&p.count, "count", 5, "how many firing times")
	return cmd
}

func (p previewRequest) request() request {
	return get(jobPath+"/preview", "cron_expression", p.cron, "time_zone", p.timeZone, "from",
		p.from, "count", strconv.Itoa(p.count))
}

// preview prints the expression in English and its next firing times.
func (a *app) preview(ctx context.Context, c *client, p previewRequest) error {
	got, err := c.call(ctx, p.request())
	if err != nil {
		return err
	}
	var told previewAnswer
	if err := got.decode(&told); err != nil {
		return err
	}
	if err := a.printLine(told.Description); err != nil {
		return err
	}
	switch {
	case len(told.Next) == 0 && isReboot(p.cron):
		return a.printLine("it fires " + atReboot)
	case len(told.Next) == 0:
		return a.printLine("it never fires")
	}
	rows := make([][2]string, len(told.Next))
	for i, at := range told.Next {
		rows[i] = [2]string{"  " + a.localTime(at), a.distance(at)}
	}
	return a.printRows(rows)
}
