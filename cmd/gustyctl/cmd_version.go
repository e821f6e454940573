package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	var clientOnly bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the versions of gustyctl and of the agent",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if clientOnly {
				return a.printLine("gustyctl " + thisBuild().String())
			}
			return a.versions(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false,
		"show that of gustyctl alone, and ask no agent")
	return cmd
}

// versions prints our own first, so that it is there even where no agent is.
func (a *app) versions(ctx context.Context) error {
	if !a.json {
		if err := a.printLine("gustyctl " + thisBuild().String()); err != nil {
			return err
		}
	}
	got, err := a.call(ctx, get("/agent/version"))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got.body)
	}
	var agent agentVersion
	if err := got.decode(&agent); err != nil {
		return err
	}
	return a.printLine(strings.TrimSpace("agent    " + agent.Version + " " + agent.BuildDate))
}
