package main

import (
	"time"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
	"gusty/persistence"
)

// importInto puts rows into the store of a stopped agent, or only says what would become of them:
// in a dry run, and where a row is refused.
func importInto(store *persistence.Store, items []messages.ImportItem, flags *importFlags,
	now time.Time,
) (messages.ImportResult, error) {
	plan, err := store.PlanImport(items)
	if err != nil {
		return plan, exit.Failedf("cannot read the store: %w", err)
	}
	if flags.dryRun || plan.Refused() > 0 && !flags.partial {
		return plan, nil
	}
	done := make(chan messages.Committed, 1)
	change := messages.Change{
		Origin: messages.Origin{Principal: "host"},
		Rows: []messages.Row{messages.ImportRows{
			Items:   items,
			Partial: flags.partial,
			At:      now.Truncate(time.Second),
		}},
	}
	store.Submit(change, func(c messages.Committed) { done <- c })
	c := <-done
	if c.Err != nil {
		return plan, exit.Failedf("the store did not take the rows: %w", c.Err)
	}
	return *c.Import, nil
}
