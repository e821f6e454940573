package messages

import (
	"fmt"
	"log/slog"
)

// Mask is what stands for a secret wherever it could be seen. Writing it back as a value changes
// nothing.
const Mask = "********"

// Secret is a string that prints, logs and marshals as Mask. Only Reveal gives its value, so that
// each use of it can be found by name.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// IsSet reports whether there is a value at all.
func (s Secret) IsSet() bool { return s != "" }

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return Mask
}

// String returns the mask, or nothing for an empty secret.
func (s Secret) String() string { return s.shown() }

// GoString keeps %#v from printing the value.
func (s Secret) GoString() string { return s.shown() }

// Format keeps every verb of package fmt from printing the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.shown())) }

// LogValue keeps slog from printing the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText keeps JSON and every other text encoding from carrying the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }
