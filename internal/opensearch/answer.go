package opensearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxItemBytes bounds what is read for one item of an answer.
const maxItemBytes = 256 << 10

// AnswerError says that an answer is not what OpenSearch sends.
type AnswerError struct{ detail string }

// Error says what was wrong with the answer.
func (e *AnswerError) Error() string {
	return "the answer is not what OpenSearch sends (" + e.detail + "); is this its address?"
}

func nonsense(format string, args ...any) error {
	return &AnswerError{detail: fmt.Sprintf(format, args...)}
}

// itemAnswer is one item of the answer to a bulk request.
type itemAnswer struct {
	Create *struct {
		ID     string     `json:"_id"`
		Status int        `json:"status"`
		Error  *errorBody `json:"error"`
	} `json:"create"`
}

// errorBody is how OpenSearch tells an error.
type errorBody struct {
	Type     string `json:"type"`
	Reason   string `json:"reason"`
	CausedBy *struct {
		Reason string `json:"reason"`
	} `json:"caused_by"`
}

// maxReason is how much of a reason is kept, in bytes.
const maxReason = 1024

func (e *errorBody) text() string {
	if e == nil {
		return ""
	}
	reason := e.Reason
	if e.CausedBy != nil && e.CausedBy.Reason != "" {
		reason += "; caused by: " + e.CausedBy.Reason
	}
	if e.Type != "" && !strings.Contains(reason, e.Type) {
		reason = e.Type + ": " + reason
	}
	return clip(oneLine([]byte(reason)), maxReason)
}

// clip cuts a text at a character's border.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

// meter ends a reader that gives more than it is allowed between two refills.
type meter struct {
	io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, nonsense("an item is over %d bytes", maxItemBytes)
	}
	n, err := m.Reader.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// readItems reads the answer to a bulk request as it comes, and gives each item with its place. It
// is an error where the items are not those of ids, in their order and number.
func readItems(body io.Reader, ids []string, each func(i int, item Item)) error {
	m := &meter{Reader: body, left: maxItemBytes}
	d := json.NewDecoder(m)
	if err := enterItems(d); err != nil {
		return told(err)
	}
	for i, id := range ids {
		m.left = maxItemBytes
		if !d.More() {
			return tooFew(d, i, len(ids))
		}
		var answer itemAnswer
		if err := d.Decode(&answer); err != nil {
			return told(err)
		}
		created := answer.Create
		if created == nil || created.ID != id || created.Status < 100 || created.Status > 599 {
			return nonsense("item %d is not that of the document sent", i)
		}
		item := Item{Status: created.Status, Reason: created.Error.text()}
		if created.Error != nil {
			item.Type = created.Error.Type
		}
		each(i, item)
	}
	if d.More() {
		return nonsense("it has more than %d items", len(ids))
	}
	return nil
}

// tooFew tells an answer that has fewer items from one that was cut behind an item.
func tooFew(d *json.Decoder, have, want int) error {
	if _, err := d.Token(); err != nil {
		return told(err)
	}
	return nonsense("it has %d items and not %d", have, want)
}

// enterItems reads up to the first item.
func enterItems(d *json.Decoder) error {
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key == "items" {
			return expect(d, json.Delim('['))
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return err
		}
	}
	return nonsense("it has no items")
}

func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err == nil && token != want {
		return nonsense("%v stands where %v belongs", token, want)
	}
	return err
}

// told makes a fault of the JSON an AnswerError, and leaves one of the connection as it is.
func told(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) {
		return nonsense("%v", err)
	}
	return err
}
