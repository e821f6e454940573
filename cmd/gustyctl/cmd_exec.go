package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"github.com/kballard/go-shellquote"
	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/term"
)

// execMargin is how much longer than the command itself its answer may take.
const execMargin = 30 * time.Second

// execAnswer is the Exec of a command with what Gusty adds.
type execAnswer struct {
	Success   bool    `json:"success"`
	Message   string  `json:"message"`
	ExitCode  *int    `json:"exit_code"`
	Stdout    *string `json:"stdout"`
	Stderr    string  `json:"stderr"`
	Truncated bool    `json:"truncated"`
	TimedOut  bool    `json:"timed_out"`
}

func (a *app) execCommand() *cobra.Command {
	var timeout term.SecondsValue
	cmd := &cobra.Command{
		Use:   "exec [--] COMMAND...",
		Short: "Run a command on the agent's host and print what it prints",
		Long: `Run a command on the agent's host and print what it prints. One argument is a command line for the host's shell, pipes and all;
several are a command and its arguments, which arrive as they are given here (on a Windows host give one).
Exits with 0 if the command did, else with 1 and its exit code on standard error; --json has it as exit_code.`,
		Example: "  gustyctl exec 'ps aux | wc -l'\n  gustyctl exec -- ls -l '/srv/My Files'",
		Args:    usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exec(cmd.Context(), args, timeout)
		},
	}
	cmd.Flags().Var(&timeout, "timeout", "end the command after this time (default: the agent's "+
		"command_timeout_seconds)")
	cmd.Flags().SetInterspersed(false) // what follows the command is the command's
	return cmd
}

func (a *app) exec(ctx context.Context, args []string, timeout term.SecondsValue) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(timeout)*time.Second+execMargin)
		defer cancel()
	}
	stop := a.spin("running")
	got, err := c.call(ctx, execRequest(commandLine(args), timeout))
	stop()
	if err != nil {
		return err
	}
	return a.printExec(got)
}

// commandLine quotes several arguments so that the shell takes them apart into the same ones.
func commandLine(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	return shellquote.Join(args...)
}

func execRequest(line string, timeout term.SecondsValue) request {
	body := map[string]any{"command": base64.StdEncoding.EncodeToString([]byte(line))}
	if timeout != 0 {
		body["timeout_seconds"] = timeout
	}
	return request{
		method:  http.MethodPost,
		path:    "/agent/command/execute",
		body:    body,
		patient: true,
	}
}

func (a *app) printExec(got *answer) error {
	var result execAnswer
	if err := got.decode(&result); err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(got.body); err != nil {
			return err
		}
		return result.failure()
	}
	if result.Stdout == nil { // an agent of the old kind: the message is all there is
		result.Stdout = &result.Message
	}
	if err := a.write([]byte(*result.Stdout)); err != nil {
		return err
	}
	if _, err := io.WriteString(a.errOut, result.Stderr); err != nil {
		return exit.Failedf("cannot print: %w", err)
	}
	if result.Truncated {
		a.note("the output was longer than the agent keeps; this is a part of it")
	}
	return result.failure()
}

func (r execAnswer) failure() error {
	switch {
	case r.TimedOut:
		return exit.Failedf(
			"the command was ended because it took too long; --timeout gives it more")
	case r.Success:
		return nil
	case r.ExitCode != nil:
		return exit.Failedf("the command exited with code %d", *r.ExitCode)
	default:
		return exit.Failedf("the command failed")
	}
}
