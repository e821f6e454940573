package persistence

import (
	"encoding/binary"
	"errors"
	"time"
)

// A record is what a sealed value holds: fields one after the other, each its number (uvarint), the
// length of its data (uvarint) and its data. A reader skips numbers it does not know. Integers are
// varints (zigzag where signed), times are seconds since 1970 (varint) and nanoseconds (uvarint).
// An absent field is zero, empty, or the default that its row names.

var errRecord = errors.New("a record is cut short")

// encoder appends fields to buf. Zero values are left out, unless explicit is set.
type encoder struct {
	buf      []byte
	explicit bool
}

func (e *encoder) bytes(number uint64, data []byte) {
	if len(data) == 0 && !e.explicit {
		return
	}
	e.buf = binary.AppendUvarint(e.buf, number)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(data)))
	e.buf = append(e.buf, data...)
}

func (e *encoder) text(number uint64, s string) {
	if s == "" && !e.explicit {
		return
	}
	e.buf = binary.AppendUvarint(e.buf, number)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) uint(number, n uint64) {
	if n == 0 && !e.explicit {
		return
	}
	var data [binary.MaxVarintLen64]byte
	e.scalar(number, binary.AppendUvarint(data[:0], n))
}

func (e *encoder) int(number uint64, n int64) {
	if n == 0 && !e.explicit {
		return
	}
	var data [binary.MaxVarintLen64]byte
	e.scalar(number, binary.AppendVarint(data[:0], n))
}

func (e *encoder) bool(number uint64, b bool) {
	if b {
		e.uint(number, 1)
		return
	}
	e.uint(number, 0)
}

// time leaves out the zero time always: it has no other form.
func (e *encoder) time(number uint64, t time.Time) {
	if t.IsZero() {
		return
	}
	var data [2 * binary.MaxVarintLen64]byte
	b := binary.AppendVarint(data[:0], t.Unix())
	e.scalar(number, binary.AppendUvarint(b, uint64(t.Nanosecond())))
}

// scalar appends a field of less than 128 bytes.
func (e *encoder) scalar(number uint64, data []byte) {
	e.buf = binary.AppendUvarint(e.buf, number)
	e.buf = append(e.buf, byte(len(data)))
	e.buf = append(e.buf, data...)
}

// decoder walks the fields of a record. The first fault ends the walk and stays in err.
type decoder struct {
	rest   []byte
	number uint64
	data   []byte
	err    error
}

// next moves to the next field, and reports whether there is one.
func (d *decoder) next() bool {
	if d.err != nil || len(d.rest) == 0 {
		return false
	}
	number, n := binary.Uvarint(d.rest)
	if n <= 0 {
		return d.fail()
	}
	size, m := binary.Uvarint(d.rest[n:])
	if m <= 0 || size > uint64(len(d.rest)-n-m) {
		return d.fail()
	}
	start := n + m
	d.number, d.data = number, d.rest[start:start+int(size)]
	d.rest = d.rest[start+int(size):]
	return true
}

func (d *decoder) fail() bool {
	d.err = errRecord
	return false
}

func (d *decoder) text() string { return string(d.data) }

// bytes returns a copy: the record lies in a buffer that is used again.
func (d *decoder) bytes() []byte { return append([]byte(nil), d.data...) }

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
	}
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
	}
	return v
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) time() time.Time {
	seconds, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return time.Time{}
	}
	nanos, m := binary.Uvarint(d.data[n:])
	if m <= 0 || nanos > 999_999_999 {
		d.fail()
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}
