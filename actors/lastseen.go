package actors

import (
	"fmt"
	"time"

	"gusty/messages"
)

// This file holds how the end of an earlier life of the agent is dated, where a crash kept it from saying so itself.

// loadLastSeen gives when the agent was last alive before now: when it last noted that, or when a run started or ended after that. Zero where
// nothing tells. It is read before this life begins to write of itself.
func loadLastSeen(store Store, active map[string]messages.Run, now time.Time) (time.Time, error) {
	text, err := store.Setting(messages.SettingLastSeen)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the agent was last alive: %w", err)
	}
	newest, err := store.Runs(messages.RunQuery{Limit: 1})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the newest run: %w", err)
	}
	seen, _ := time.Parse(time.RFC3339Nano, string(text)) // the zero time where there is none
	for i := range newest.Runs {
		seen = laterSeen(seen, &newest.Runs[i], now)
	}
	for _, run := range active {
		seen = laterSeen(seen, &run, now)
	}
	return seen, nil
}

// laterSeen gives the later of seen and what the run tells. A time ahead of now is one of a clock that was set back since.
func laterSeen(seen time.Time, run *messages.Run, now time.Time) time.Time {
	for _, at := range []time.Time{run.StartedAt, run.EndedAt} {
		if !at.After(now) {
			seen = laterOf(seen, at)
		}
	}
	return seen.UTC()
}
