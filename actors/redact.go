package actors

import (
	"bytes"
	"maps"
	"slices"

	"gusty/messages"
)

// minSecretBytes is how long a value must be to be looked for in output: of shorter ones ("1", "yes") more harm is done by hiding them.
const minSecretBytes = 4

// secretsOf gives the values of a job's environment that must not be seen in what it prints, the longest first, so that one that holds another
// is hidden whole.
func secretsOf(job *messages.Job) []messages.Secret {
	var secrets []messages.Secret
	for _, name := range slices.Sorted(maps.Keys(job.Options.Environment)) {
		if value := job.Options.Environment[name]; len(value) >= minSecretBytes && !slices.Contains(secrets, value) {
			secrets = append(secrets, value)
		}
	}
	slices.SortStableFunc(secrets, func(a, b messages.Secret) int { return len(b) - len(a) })
	return secrets
}

// redactor hides secrets in a text that comes in pieces.
type redactor struct {
	secrets [][]byte
	first   [256]bool // the first bytes of secrets
	longest int
	held    []byte
}

func newRedactor(secrets []messages.Secret) *redactor {
	r := &redactor{}
	for _, secret := range secrets {
		if value := []byte(secret.Reveal()); len(value) > 0 {
			r.secrets = append(r.secrets, value)
			r.first[value[0]] = true
			r.longest = max(r.longest, len(value))
		}
	}
	return r
}

// add gives what can be told of the text so far: all but what may be the beginning of a secret.
func (r *redactor) add(piece []byte) []byte {
	r.held = append(r.held, piece...)
	return r.take(max(len(r.held)-max(r.longest-1, 0), 0))
}

// rest gives what is left at the end of the text.
func (r *redactor) rest() []byte { return r.take(len(r.held)) }

// take gives the text with secrets hidden that begin before end.
func (r *redactor) take(end int) []byte {
	out := make([]byte, 0, end)
	at := 0
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

// redact hides secrets in a whole text.
func redact(text []byte, secrets []messages.Secret) []byte {
	if len(secrets) == 0 {
		return text
	}
	r := newRedactor(secrets)
	return append(r.add(text), r.rest()...)
}
