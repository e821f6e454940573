package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gusty/messages/table"
)

func TestLinesOfEveryLength(t *testing.T) {
	long := strings.Repeat("x", 600<<10)
	var got []string
	err := eachLine(strings.NewReader("a\n\n  \r\n"+long+"\nb\r\n"+long),
		func(number int, line []byte) error {
			got = append(got, string(line[:1]))
			if len(line) > 1 && len(line) != len(long) {
				t.Errorf("line %d has %d bytes", number, len(line))
			}
			return nil
		})
	if err != nil || !slices.Equal(got, []string{"a", "x", "b", "x"}) {
		t.Errorf("%v, %v", got, err)
	}
	mine := errors.New("enough")
	if err := eachLine(strings.NewReader("a\nb\n"), func(int, []byte) error {
		return mine
	}); !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
	if err := eachLine(&endless{}, func(int, []byte) error {
		return nil
	}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line without an end: %v", err)
	}
}

// endless never ends its line.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > table.MaxLineBytes+(2<<20) {
		return 0, errors.New("the line was read on and on")
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
