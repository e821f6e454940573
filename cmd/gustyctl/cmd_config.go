package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

const configPath = "/agent/config"

func (a *app) configCommand() *cobra.Command {
	return group("config", "Show and change the agent's parameters", a.configGetCommand(),
		a.configSetCommand())
}

func (a *app) configGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get [NAME]",
		Short: "Show the configuration, or the value of one of its names",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.show(cmd.Context(), get(configPath))
			}
			return a.configValue(cmd.Context(), args[0])
		},
	}
}

func (a *app) configValue(ctx context.Context, name string) error {
	got, err := a.call(ctx, get(configPath))
	if err != nil {
		return err
	}
	fields, err := got.Fields()
	if err != nil {
		return err
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		if names[i] = f.key; f.key != name {
			continue
		}
		if a.json {
			return a.printJSON(f.value)
		}
		return a.printLine((&answer{body: f.value}).sentence())
	}
	return exit.Usagef("the agent shows no %q; it shows %s", name, strings.Join(names, ", "))
}

func (a *app) configSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME=VALUE...",
		Short: "Set parameters, all of them or none",
		Long: `Set parameters, all of them or none. An empty VALUE brings the default back. The value - is read from the first line of standard
input, or asked for on a terminal; that is the one way for a secret, since others can see arguments.`,
		Example: "  gustyctl config set log_level=debug heartbeat_interval_seconds=60\n  " +
			"gustyctl config set opensearch_user_pass=-",
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := a.propertyValues(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.say(cmd.Context(), put(configPath, values))
		},
	}
}

// propertyValue is one row of the body of PUT /agent/config.
type propertyValue struct {
	Name  string `json:"propertyName"`
	Value string `json:"propertyValue"`
}

func (a *app) propertyValues(ctx context.Context, args []string) ([]propertyValue, error) {
	values := make([]propertyValue, len(args))
	fromInput := ""
	for i, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, exit.Usagef("%q is not of the form NAME=VALUE", arg)
		}
		if value == "-" {
			if fromInput != "" {
				return nil, exit.Usagef("only one value can come from standard input; %s and %s "+
					"are - "+
					"both", fromInput, name)
			}
			fromInput = name
			var err error
			if value, err = a.readValue(ctx, name); err != nil {
				return nil, err
			}
		} else if err := refuseSecret(name, value); err != nil {
			return nil, err
		}
		values[i] = propertyValue{Name: name, Value: value}
	}
	return values, nil
}

// refuseSecret keeps secrets out of process lists and shell histories.
func refuseSecret(name, value string) error {
	if p, known := messages.FindParameter(name); known && p.Kind == messages.KindSecret &&
		value != "" {
		return exit.Usagef(
			"%s is a secret, and others can see arguments; write %s=- and give it on "+
				"standard input", name, name)
	}
	return nil
}

func (a *app) readValue(ctx context.Context, name string) (string, error) {
	if isTerminal(a.in) {
		secret, err := a.askPassword(ctx, name+": ")
		return secret.Reveal(), err
	}
	data, err := io.ReadAll(io.LimitReader(a.in, messages.MaxFieldBytes+2))
	if err != nil {
		return "", exit.Usagef("cannot read %s from standard input: %w", name, err)
	}
	return firstLine(string(data)), nil
}
