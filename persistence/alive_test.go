package persistence

import (
	"testing"
	"time"

	"gusty/messages"
)

// What an agent commits dates its life; what a tool does to the store of a stopped agent does not.
func TestLastAlive(t *testing.T) {
	dir := t.TempDir()
	clock := time.Date(2026, 3, 4, 5, 6, 7, 8_000_000, time.UTC)
	open := func(agent bool) *Store {
		t.Helper()
		s, err := Open(Options{Dir: dir, Build: testBuild(), Agent: agent, now: func() time.Time {
			return clock
		}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	closeStore := func(s *Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	row := messages.SettingRow{Name: "a", Value: []byte("1")}
	agent := open(true)
	if at := agent.LastAlive(); !at.IsZero() {
		t.Errorf("a new store says %s", at)
	}
	commit(t, agent, row)
	clock = clock.Add(42 * time.Second)
	last := clock
	commit(t, agent, row)
	closeStore(agent)
	clock = clock.Add(time.Hour)
	tool := open(false)
	commit(t, tool, row)
	closeStore(tool)
	agent = open(true)
	commit(t, agent, row)
	if at := agent.LastAlive(); !at.Equal(last) {
		t.Errorf("the agent committed last at %s, and the store says %s", last, at)
	}
	closeStore(agent)
}
