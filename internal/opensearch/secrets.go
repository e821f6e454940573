package opensearch

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// hidden stands where a secret stood.
const hidden = "********"

// minSecret is how long a secret must be to be looked for: a text holds a shorter one by chance.
const minSecret = 4

// concealer takes credentials out of what a server says: some show a request as they got it.
func concealer(c *Config) *strings.Replacer {
	var pairs []string
	hide := func(secret string) {
		if len(secret) >= minSecret {
			pairs = append(pairs, secret, hidden)
		}
	}
	hide(base64.StdEncoding.EncodeToString([]byte(c.User + ":" + c.Password)))
	hide(c.Password)
	hide(c.Token[strings.LastIndexByte(c.Token, ' ')+1:])
	return strings.NewReplacer(pairs...)
}

// EndpointError is what went wrong at an endpoint, as one short line without credentials. It wraps
// the error itself.
type EndpointError struct {
	text string
	err  error
}

// Error returns the line.
func (e *EndpointError) Error() string { return e.text }

// Unwrap returns the error itself, whose own text may hold what a server sent.
func (e *EndpointError) Unwrap() error { return e.err }

// explain puts the endpoint's name before an error.
func (c *Client) explain(e *endpoint, err error) error {
	text := c.conceal.Replace(fmt.Sprintf("%s: %s", e.name, err))
	return &EndpointError{text: clip(oneLine([]byte(text)), maxReason), err: err}
}
