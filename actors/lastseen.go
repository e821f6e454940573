package actors

import (
	"fmt"
	"time"

	"gusty/messages"
)

// How the end of an earlier life of the agent is dated, where a crash kept it from
// saying so itself.

// loadLastSeen returns when the agent was last alive before now: when it last noted that, or when
// it last committed anything after that. Zero where nothing tells. It is read before this life
// begins to write of itself.
func loadLastSeen(store Store, now time.Time) (seen time.Time, err error) {
	text, err := store.Setting(messages.SettingLastSeen)
	if err != nil {
		return seen, fmt.Errorf("read when the agent was last alive: %w", err)
	}
	noted, _ := time.Parse(time.RFC3339Nano, string(text)) // the zero time where there is none
	for _, at := range []time.Time{noted, store.LastAlive()} {
		if !at.After(now) { // else the clock was set back since
			seen = laterOf(seen, at)
		}
	}
	return seen.UTC(), nil
}
