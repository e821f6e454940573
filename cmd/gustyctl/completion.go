package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTimeout bounds what a key press in the shell waits for.
const completionTimeout = 2 * time.Second

// completeJobs returns the names of stored jobs to the shell. It never asks for a password, and
// says nothing where the agent can't be asked.
func (a *app) completeJobs(cmd *cobra.Command, args []string, typed string) ([]string,
	cobra.ShellCompDirective,
) {
	quiet, err := os.Open(os.DevNull)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer func() { _ = quiet.Close() }() // opened for reading: there is nothing to lose
	asker := *a
	asker.in = quiet
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	got, err := asker.call(ctx, get(jobsPath))
	var names, matching []string
	if err != nil || got.decode(&names) != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for _, name := range names {
		if strings.HasPrefix(name, typed) {
			matching = append(matching, name)
		}
	}
	return matching, cobra.ShellCompDirectiveNoFileComp
}

// completeJob completes one name, and no more after it.
func (a *app) completeJob(cmd *cobra.Command, args []string, typed string) ([]string,
	cobra.ShellCompDirective,
) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeJobs(cmd, args, typed)
}

// completeJobThenFile completes a name, and then leaves files to the shell.
func (a *app) completeJobThenFile(cmd *cobra.Command, args []string, typed string) ([]string,
	cobra.ShellCompDirective,
) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.completeJobs(cmd, args, typed)
}

// noFiles keeps the shell from offering files where none are meant.
func noFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
