package actors

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gusty/messages"
)

// maxPartBytes is how much text one document of output holds.
const maxPartBytes = 32 << 10

// parts cuts one stream of a run's output into texts of at most maxPartBytes: one line each, as
// documents have them, valid UTF-8, no secrets.
type parts struct {
	stream   messages.Stream
	redactor *redactor
	text     []byte // not given yet
	count    int
	give     func(part int, text string) error
}

// add takes a chunk of either stream.
func (p *parts) add(c messages.OutputChunk) error {
	switch {
	case c.Stream != p.stream:
		return nil
	case c.Skipped > 0:
		p.remark(fmt.Sprintf("[%d bytes left out]", c.Skipped))
	default:
		p.text = append(p.text, p.redactor.add(c.Data)...)
	}
	return p.giveFull()
}

// remark puts words of the agent's own where something is missing.
func (p *parts) remark(words string) {
	p.text = append(p.text, p.redactor.cut()...)
	p.text = append(p.text, words...)
}

// end returns what is left. A stream of which nothing is left gives one empty part, so that its
// document exists.
func (p *parts) end() error {
	p.text = append(p.text, p.redactor.rest()...)
	if err := p.giveFull(); err != nil {
		return err
	}
	if text := plainLine(p.text); text != "" || p.count == 0 {
		return p.giveOne(text)
	}
	return nil
}

// giveFull passes parts on as long as there is more than one of them: half a part is kept back,
// since a cleaned text can be longer than it was.
func (p *parts) giveFull() error {
	for len(p.text) > maxPartBytes {
		n := cutAt(p.text, maxPartBytes/3) // each byte that is no UTF-8 becomes three
		if utf8.Valid(p.text[:cutAt(p.text, maxPartBytes)]) {
			n = cutAt(p.text, maxPartBytes)
		}
		text := plainLine(p.text[:n])
		p.text = append(p.text[:0], p.text[n:]...)
		if err := p.giveOne(text); err != nil {
			return err
		}
	}
	return nil
}

func (p *parts) giveOne(text string) error {
	p.count++
	return p.give(p.count, text)
}

// cutAt returns where to cut a text so that no character is cut, at most at most.
func cutAt(text []byte, most int) int {
	for back := 0; back < utf8.UTFMax && most > back; back++ {
		if utf8.RuneStart(text[most-back]) {
			return most - back
		}
	}
	return most
}

func plainLine(text []byte) string { return oneLine(strings.ToValidUTF8(string(text), "\uFFFD")) }
