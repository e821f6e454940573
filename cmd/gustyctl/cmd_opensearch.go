package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
)

const openSearchCheckPath = "/agent/opensearch/check"

func (a *app) openSearchCommand() *cobra.Command {
	return group("opensearch", "Check the way to OpenSearch, and install the index templates there",
		a.openSearchCheckCommand(), a.openSearchSetupCommand())
}

func (a *app) openSearchCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check",
		Short: "Go the way from the agent to OpenSearch step by step: DNS, TCP, TLS, login, " +
			"permissions, a test document",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkOpenSearch(cmd.Context())
		},
	}
}

// checkOpenSearch lets the agent go the way, from where it is and with its own credentials.
func (a *app) checkOpenSearch(ctx context.Context) error {
	got, err := a.call(ctx, request{
		method:  http.MethodPost,
		path:    openSearchCheckPath,
		patient: true,
	})
	if err != nil {
		return err
	}
	var checked struct {
		OK    bool `json:"ok"`
		Steps []struct {
			Step   string `json:"step"`
			OK     bool   `json:"ok"`
			Found  string `json:"found"`
			Remedy string `json:"remedy"`
		} `json:"steps"`
	}
	if err := got.decode(&checked); err != nil {
		return err
	}
	var fault error
	if !checked.OK {
		fault = exit.Failedf("the way to OpenSearch is not well")
	}
	if a.json {
		return errors.Join(a.printJSON(got.body), fault)
	}
	var lines [][]string
	for _, s := range checked.Steps {
		verdict := "ok"
		if !s.OK {
			verdict = "FAULT"
		}
		lines = append(lines, []string{verdict, s.Step, s.Found})
		if s.Remedy != "" {
			lines = append(lines, []string{"", "", "-> " + s.Remedy})
		}
	}
	return errors.Join(a.printTable(nil, lines), fault)
}
