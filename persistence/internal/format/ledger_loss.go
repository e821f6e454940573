package format

import (
	"time"

	"gusty/messages"
)

// Loss counts what was dropped and is not told of yet. It stands in the ledger.
type Loss struct {
	Classes  [messages.DocumentWarning + 1]uint64 // by class
	Dead     uint64
	from, to int64 // ms since 1970, when they were queued; 0: nothing is lost
}

func (l *Loss) Add(to *uint64, queuedAt time.Time) {
	*to++
	at := queuedAt.UnixMilli()
	if l.from == 0 || at < l.from {
		l.from = at
	}
	l.to = max(l.to, at)
}

func (l *Loss) Append(e *Encoder) {
	e.Int(fieldLostFrom, l.from)
	e.Int(fieldLostTo, l.to)
	e.Uint(fieldLostDead, l.Dead)
	for _, class := range messages.DroppedClasses() {
		e.Uint(fieldLostClass+uint64(class), l.Classes[class])
	}
}

// Loss reads one of the fields that append writes.
func (d *Decoder) loss(l *Loss) {
	switch d.Number {
	case fieldLostFrom:
		l.from = d.Int()
	case fieldLostTo:
		l.to = d.Int()
	case fieldLostDead:
		l.Dead = d.Uint()
	default:
		l.Classes[d.Number-fieldLostClass] = d.Uint()
	}
}

func (l *Loss) Message() messages.Loss {
	m := messages.Loss{Dead: l.Dead}
	for class, n := range l.Classes {
		if n > 0 {
			if m.ByClass == nil {
				m.ByClass = map[messages.DocumentClass]uint64{}
			}
			m.ByClass[messages.DocumentClass(class)] = n
		}
	}
	if m.Count() > 0 {
		m.From, m.To = time.UnixMilli(l.from).UTC(), time.UnixMilli(l.to).UTC()
	}
	return m
}
