package actors

import (
	"bytes"
	"maps"
	"slices"

	"gusty/messages"
)

// minSecretBytes is how long a value must be to be looked for in output: of shorter ones ("1",
// "yes") more harm is done by hiding them.
const minSecretBytes = 4

// secretsOf returns the values of a job's environment that must not be seen in what it prints, the
// longest first, so that one that holds another is hidden whole.
func secretsOf(job *messages.Job) []messages.Secret {
	var secrets []messages.Secret
	for _, name := range slices.Sorted(maps.Keys(job.Options.Environment)) {
		if value := job.Options.Environment[name]; len(value) >= minSecretBytes &&
			!slices.Contains(secrets, value) {
			secrets = append(secrets, value)
		}
	}
	slices.SortStableFunc(secrets, func(a, b messages.Secret) int { return len(b) - len(a) })
	return secrets
}

// redactor hides secrets in a text that comes in pieces, and takes the line ends out of it first:
// without them what was a secret in two lines is one, and documents have none.
type redactor struct {
	secrets [][]byte
	first   [256]bool // the first bytes of secrets
	longest int
	held    []byte
	gap     bool // what is held stands behind a gap
}

func newRedactor(secrets []messages.Secret) *redactor {
	r := &redactor{}
	for _, secret := range secrets {
		if value := appendPlain(nil, []byte(secret.Reveal())); len(value) >= minSecretBytes {
			r.secrets = append(r.secrets, value)
			r.first[value[0]] = true
			r.longest = max(r.longest, len(value))
		}
	}
	slices.SortStableFunc(r.secrets, func(a, b []byte) int { return len(b) - len(a) })
	return r
}

// appendPlain appends a text without its line ends.
func appendPlain(to, text []byte) []byte {
	for {
		i := bytes.IndexAny(text, "\r\n")
		if i < 0 {
			return append(to, text...)
		}
		to, text = append(to, text[:i]...), text[i+1:]
	}
}

// add returns what can be told of the text so far: all but what may be the beginning of a secret.
func (r *redactor) add(piece []byte) []byte {
	r.held = appendPlain(r.held, piece)
	return r.take(max(len(r.held)-max(r.longest-1, 0), 0))
}

// rest returns what is left at the end of the text.
func (r *redactor) rest() []byte { return r.take(len(r.held)) }

// cut returns what is left before a gap, where a secret may have begun that ends in the gap or
// behind it.
func (r *redactor) cut() []byte {
	out := r.take(len(r.held) - r.partial(func(secret []byte, n int) bool {
		return bytes.HasSuffix(r.held, secret[:n])
	}))
	if len(r.held) > 0 {
		out, r.held = append(out, messages.Mask...), r.held[:0]
	}
	r.gap = true
	return out
}

// partial returns the length of the longest part of a secret, not all of it, that is long enough to
// be hidden and at the place that is looked at.
func (r *redactor) partial(at func(secret []byte, n int) bool) int {
	for n := min(r.longest-1, len(r.held)); n >= minSecretBytes; n-- {
		if slices.ContainsFunc(r.secrets, func(secret []byte) bool {
			return n < len(secret) && at(secret, n)
		}) {
			return n
		}
	}
	return 0
}

// take returns the text with secrets hidden that begin before end.
func (r *redactor) take(end int) []byte {
	out := make([]byte, 0, end)
	at := 0
	if r.gap && end > 0 {
		r.gap = false
		if r.secretAt(r.held) == 0 {
			at = r.partial(func(secret []byte, n int) bool {
				return bytes.HasPrefix(r.held, secret[len(secret)-n:])
			})
		}
		if at > 0 {
			out = append(out, messages.Mask...)
		}
	}
	for at < end {
		if n := r.secretAt(r.held[at:]); n > 0 {
			out = append(out, messages.Mask...)
			at += n
			continue
		}
		out = append(out, r.held[at])
		at++
	}
	r.held = append(r.held[:0], r.held[at:]...)
	return out
}

func (r *redactor) secretAt(text []byte) int {
	if !r.first[text[0]] {
		return 0
	}
	for _, secret := range r.secrets {
		if bytes.HasPrefix(text, secret) {
			return len(secret)
		}
	}
	return 0
}
