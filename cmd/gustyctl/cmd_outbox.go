package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

const (
	outboxPath = "/agent/outbox"
	deadPath   = "/agent/outbox/dead"
)

func (a *app) outboxCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "Show what waits to be sent to OpenSearch, and what was refused",
		Args:  knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.show(cmd.Context(), get(outboxPath))
		},
	}
	cmd.AddCommand(group("dead", "List, send again and delete documents that OpenSearch refused",
		a.deadListCommand(), a.deadRetryCommand(), a.deadRemoveCommand()))
	return cmd
}

func (a *app) deadListCommand() *cobra.Command {
	var before string
	var limit int
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List refused documents, newest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxPage {
				return exit.Usagef("--limit is %d; it takes 1 to %d", limit, maxPage)
			}
			return a.listDead(cmd.Context(),
				get(deadPath, "before", before, "limit", strconv.Itoa(limit)))
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "only those older than the document of this `id`")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	return cmd
}

func (a *app) listDead(ctx context.Context, req request) error {
	got, err := a.call(ctx, req)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var page struct {
		Items []struct {
			ID        string    `json:"id"`
			Index     string    `json:"index"`
			RefusedAt time.Time `json:"refused_at"`
			Status    int       `json:"status"`
			Reason    string    `json:"reason"`
		} `json:"items"`
		Next string `json:"next"`
	}
	if err := got.decode(&page); err != nil {
		return err
	}
	lines := make([][]string, len(page.Items))
	for i, d := range page.Items {
		lines[i] = []string{
			d.ID, d.Index, a.localTime(d.RefusedAt), strconv.Itoa(d.Status),
			d.Reason,
		}
	}
	if err := a.printTable([]string{"DOCUMENT", "INDEX", "REFUSED", "STATUS", "REASON"},
		lines); err != nil {
		return err
	}
	if page.Next != "" {
		a.note("older ones: --before %s", page.Next)
	}
	return nil
}

func (a *app) deadRetryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retry DOCUMENT...",
		Short: "Send refused documents again",
		Args:  usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachDead(cmd.Context(), args, func(id string) request {
				return request{
					method: http.MethodPost,
					path:   deadPath + "/" + url.PathEscape(id) + "/retry",
				}
			})
		},
	}
}

func (a *app) deadRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm DOCUMENT...",
		Short: "Delete refused documents",
		Args:  usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachDead(cmd.Context(), args, func(id string) request {
				return request{method: http.MethodDelete, path: deadPath + "/" + url.PathEscape(id)}
			})
		},
	}
}

// eachDead sends a request for each id, and stops at the first that fails.
func (a *app) eachDead(ctx context.Context, ids []string, of func(id string) request) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		got, err := c.call(ctx, of(id))
		if err != nil {
			return err
		}
		if err := a.printLine(id + ": " + got.sentence()); err != nil {
			return err
		}
	}
	return nil
}
