package main

import (
	"strings"
	"time"
)

// jobState is what is shown of GET /agent/job/state.
type jobState struct {
	Next        *time.Time `json:"next_due_at"`
	LastRun     *runRecord `json:"last_run"`
	Enabled     bool       `json:"enabled"`
	Paused      bool       `json:"paused"`
	Quarantined bool       `json:"quarantined"`
	Firing      bool       `json:"firing"` // whether the agent fires anything at all

	FailureStreak    int    `json:"failure_streak"`
	QuarantineReason string `json:"quarantine_reason"`
}

func (s jobState) String() string {
	switch {
	case s.Quarantined:
		return "quarantined"
	case s.Paused:
		return "paused"
	case !s.Enabled:
		return "disabled"
	case !s.Firing:
		return "all firing is stopped"
	default:
		return "active"
	}
}

// fires reports whether nothing keeps the job from firing.
func (s jobState) fires() bool { return s.Enabled && s.Firing && !s.Paused && !s.Quarantined }

// standing is String within a sentence: what keeps it from firing, all of it.
func (s jobState) standing() string {
	var said []string
	for _, obstacle := range []struct {
		there bool
		text  string
	}{
		{s.Quarantined, "quarantined"},
		{s.Paused, "paused"},
		{!s.Enabled, "switched off"},
		{!s.Firing, "kept from firing with all others (job start)"},
	} {
		if obstacle.there {
			said = append(said, obstacle.text)
		}
	}
	if len(said) == 0 {
		return "active"
	}
	return strings.Join(said, ", and ")
}
