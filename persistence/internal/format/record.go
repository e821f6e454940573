package format

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

// Encoder appends fields to buf. Zero values are left out, unless explicit is set.
type Encoder struct {
	Buf      []byte
	Explicit bool
}

func (e *Encoder) Bytes(number uint64, data []byte) {
	if len(data) == 0 && !e.Explicit {
		return
	}
	e.Buf = binary.AppendUvarint(e.Buf, number)
	e.Buf = binary.AppendUvarint(e.Buf, uint64(len(data)))
	e.Buf = append(e.Buf, data...)
}

func (e *Encoder) Text(number uint64, s string) {
	if s == "" && !e.Explicit {
		return
	}
	e.Buf = binary.AppendUvarint(e.Buf, number)
	e.Buf = binary.AppendUvarint(e.Buf, uint64(len(s)))
	e.Buf = append(e.Buf, s...)
}

func (e *Encoder) Uint(number, n uint64) {
	if n == 0 && !e.Explicit {
		return
	}
	var data [binary.MaxVarintLen64]byte
	e.scalar(number, binary.AppendUvarint(data[:0], n))
}

func (e *Encoder) Int(number uint64, n int64) {
	if n == 0 && !e.Explicit {
		return
	}
	var data [binary.MaxVarintLen64]byte
	e.scalar(number, binary.AppendVarint(data[:0], n))
}

func (e *Encoder) Bool(number uint64, b bool) {
	if b {
		e.Uint(number, 1)
		return
	}
	e.Uint(number, 0)
}

// Time leaves out the zero time always: it has no other form.
func (e *Encoder) Time(number uint64, t time.Time) {
	if t.IsZero() {
		return
	}
	var data [2 * binary.MaxVarintLen64]byte
	b := binary.AppendVarint(data[:0], t.Unix())
	e.scalar(number, binary.AppendUvarint(b, uint64(t.Nanosecond())))
}

// scalar appends a field of less than 128 bytes.
func (e *Encoder) scalar(number uint64, data []byte) {
	e.Buf = binary.AppendUvarint(e.Buf, number)
	e.Buf = append(e.Buf, byte(len(data)))
	e.Buf = append(e.Buf, data...)
}

// Decoder walks the fields of a record. The first fault ends the walk and stays in err.
type Decoder struct {
	Rest   []byte
	Number uint64
	Data   []byte
	Err    error
}

// Next moves to the next field, and reports whether there is one.
func (d *Decoder) Next() bool {
	if d.Err != nil || len(d.Rest) == 0 {
		return false
	}
	number, n := binary.Uvarint(d.Rest)
	if n <= 0 {
		return d.Fail()
	}
	size, m := binary.Uvarint(d.Rest[n:])
	if m <= 0 || size > uint64(len(d.Rest)-n-m) {
		return d.Fail()
	}
	start := n + m
	d.Number, d.Data = number, d.Rest[start:start+int(size)]
	d.Rest = d.Rest[start+int(size):]
	return true
}

func (d *Decoder) Fail() bool {
	d.Err = errRecord
	return false
}

func (d *Decoder) Text() string { return string(d.Data) }

// Bytes returns a copy: the record lies in a buffer that is used again.
func (d *Decoder) Bytes() []byte { return append([]byte(nil), d.Data...) }

func (d *Decoder) Uint() uint64 {
	v, n := binary.Uvarint(d.Data)
	if n <= 0 {
		d.Fail()
	}
	return v
}

func (d *Decoder) Int() int64 {
	v, n := binary.Varint(d.Data)
	if n <= 0 {
		d.Fail()
	}
	return v
}

func (d *Decoder) Bool() bool { return d.Uint() != 0 }

func (d *Decoder) Time() time.Time {
	seconds, n := binary.Varint(d.Data)
	if n <= 0 {
		d.Fail()
		return time.Time{}
	}
	nanos, m := binary.Uvarint(d.Data[n:])
	if m <= 0 || nanos > 999_999_999 {
		d.Fail()
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}
