package main

import (
	"context"
	"log/slog"
	"strings"
)

// storeWarnings shows on standard error what the store of a stopped agent warns of.
type storeWarnings struct{ app *app }

func (storeWarnings) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// Handle prints the sentence with its details in brackets.
func (s storeWarnings) Handle(_ context.Context, r slog.Record) error {
	var details []string
	r.Attrs(func(a slog.Attr) bool {
		details = append(details, a.Key+" "+a.Value.String())
		return true
	})
	if len(details) == 0 {
		s.app.note("warning: %s", r.Message)
		return nil
	}
	s.app.note("warning: %s (%s)", r.Message, strings.Join(details, ", "))
	return nil
}

// WithAttrs and WithGroup return the handler as it is: the store's lines say all by themselves.
func (s storeWarnings) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup returns the handler as it is.
func (s storeWarnings) WithGroup(string) slog.Handler { return s }
