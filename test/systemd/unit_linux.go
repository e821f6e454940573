package systemd

import (
	"context"
	"strings"
)

// Properties returns properties of a unit as `systemctl show` names them: all where no name is
// given.
func (m *Machine) Properties(
	ctx context.Context, unit string, names ...string,
) (map[string]string, error) {
	args := []string{"show", unit}
	if len(names) > 0 {
		args = append(args, "--property", strings.Join(names, ","))
	}
	out, err := m.Run(ctx, "systemctl", args...)
	properties := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		properties[name] = value
	}
	return properties, err
}

// Cursor is a place in the journal.
type Cursor string

// Cursor returns the present end of the journal.
func (m *Machine) Cursor(ctx context.Context) (Cursor, error) {
	if _, err := m.Run(ctx, "journalctl", "--sync"); err != nil {
		return "", err
	}
	// With no line at all it would be the place behind the next message.
	out, err := m.Run(ctx, "journalctl", "--lines=1", "--show-cursor", "--quiet")
	if err != nil {
		return "", err
	}
	_, cursor, _ := strings.Cut(strings.TrimSpace(out), "-- cursor: ")
	return Cursor(cursor), nil
}

// Journal returns the messages of a unit, and of systemd about it, since a place in the
// journal, which is the last before.
func (m *Machine) Journal(ctx context.Context, unit string, since Cursor) (string, error) {
	if _, err := m.Run(ctx, "journalctl", "--sync"); err != nil {
		return "", err
	}
	// --after-cursor leaves out the unit's first message where the cursor is at another unit's.
	return m.Run(ctx, "journalctl", "--unit", unit, "--cursor", string(since), "--output=cat",
		"--quiet", "--all")
}
