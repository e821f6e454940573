package persistence

import (
	"time"

	"gusty/messages"
)

// loss counts what was dropped and is not told of yet. It stands in the ledger.
type loss struct {
	classes  [messages.DocumentWarning + 1]uint64 // by class
	dead     uint64
	from, to int64 // ms since 1970, when they were queued; 0: nothing is lost
}

func (l *loss) add(to *uint64, queuedAt time.Time) {
	*to++
	at := queuedAt.UnixMilli()
	if l.from == 0 || at < l.from {
		l.from = at
	}
	l.to = max(l.to, at)
}

func (l *loss) append(e *encoder) {
	e.int(fieldLostFrom, l.from)
	e.int(fieldLostTo, l.to)
	e.uint(fieldLostDead, l.dead)
	for _, class := range messages.DroppedClasses() {
		e.uint(fieldLostClass+uint64(class), l.classes[class])
	}
}

// loss reads one of the fields that append writes.
func (d *decoder) loss(l *loss) {
	switch d.number {
	case fieldLostFrom:
		l.from = d.int()
	case fieldLostTo:
		l.to = d.int()
	case fieldLostDead:
		l.dead = d.uint()
	default:
		l.classes[d.number-fieldLostClass] = d.uint()
	}
}

func (l *loss) message() messages.Loss {
	m := messages.Loss{Dead: l.dead}
	for class, n := range l.classes {
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
