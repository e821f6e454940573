package main

import (
	"github.com/spf13/cobra"
)

func (a *app) infoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Show the agent, its host, its configuration and its jobs",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.show(cmd.Context(), get("/agent/info"))
		},
	}
}

func (a *app) metricCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "metric",
		Short: "Show the host's and the agent's figures",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.show(cmd.Context(), get("/agent/metric"))
		},
	}
}

func (a *app) restartCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restart",
		Short: "Restart the agent's actors and reload their state; runs under way go on",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.say(cmd.Context(), put("/agent/restart", nil))
		},
	}
}

func (a *app) shutdownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "shutdown",
		Short: "Stop the agent: no more firing, runs under way end, the process exits",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.say(cmd.Context(), put("/agent/shutdown", nil))
		},
	}
}
