package sqlite

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"gusty/messages/table"
)

// AddLine writes the row of a line as the agent gives it, and says of which table it is. The
// columns go into the file as they stand in the line, which spares most of what reading a row and
// writing it again costs.
func (w *Writer) AddLine(ctx context.Context, line []byte) (tableName string, err error) {
	if w.rusty == nil {
		s := scanner{}
		if b := s.begin(line, w.open); b != nil {
			if args, ok := s.columns(b.table.columns, b.args); ok {
				return b.table.name, b.add(ctx, args)
			}
		}
	}
	row, err := table.ParseLine(line)
	if err != nil {
		return "", err
	}
	return row.Table(), w.Add(ctx, row)
}

// scanner walks over a line of the form that messages.AppendLine writes. What is of another form,
// though it may mean the same, is left to the slower way.
type scanner struct{ rest []byte }

// begin takes a line of one of the tables that the file has; nil: it is none.
func (s *scanner) begin(line []byte, known map[string]*batch) *batch {
	rest, ok := bytes.CutPrefix(line, []byte(`{"table":"`))
	if !ok || !utf8.Valid(line) {
		return nil
	}
	name, rest, ok := bytes.Cut(rest, []byte(`","row":{`))
	if !ok {
		return nil
	}
	if s.rest, ok = bytes.CutSuffix(rest, []byte("}}")); !ok {
		return nil
	}
	return known[string(name)]
}

// columns appends the values of all columns, in their order.
func (s *scanner) columns(columns []column, args []any) ([]any, bool) {
	for i := range columns {
		if !s.skip(`"`+columns[i].name+`":`) || len(s.rest) == 0 {
			return nil, false
		}
		value, ok := s.value(&columns[i])
		if !ok || (i < len(columns)-1 && !s.skip(",")) {
			return nil, false
		}
		args = append(args, value)
	}
	return args, len(s.rest) == 0
}

func (s *scanner) skip(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

// value takes a string, a whole number, null, or the object that ends a row.
func (s *scanner) value(c *column) (any, bool) {
	switch s.rest[0] {
	case '"':
		text, ok := s.text()
		switch {
		case c.kind == kindBlob && c.name != contentColumn:
			return nil, false // bytes that stand in the file as they are
		case c.kind == kindBlob:
			return []byte(text), ok
		}
		return text, ok && c.kind == kindText
	case 'n':
		return nil, s.skip("null")
	case '{':
		text := string(s.rest)
		s.rest = nil
		return text, json.Valid([]byte(text)) && c.name == optionsColumn
	}
	return s.number(c)
}

// text takes a string.
func (s *scanner) text() (string, bool) {
	end := 1
	for ; end < len(s.rest) && s.rest[end] != '"'; end++ {
		if s.rest[end] == '\\' || s.rest[end] < ' ' {
			return s.escapedText()
		}
	}
	if end == len(s.rest) {
		return "", false
	}
	text := string(s.rest[1:end])
	s.rest = s.rest[end+1:]
	return text, true
}

func (s *scanner) escapedText() (text string, ok bool) {
	end := 1
	for ; end < len(s.rest) && s.rest[end] != '"'; end++ {
		if s.rest[end] == '\\' {
			end++
		}
	}
	if end >= len(s.rest) || json.Unmarshal(s.rest[:end+1], &text) != nil {
		return "", false
	}
	s.rest = s.rest[end+1:]
	return text, true
}

func (s *scanner) number(c *column) (any, bool) {
	end := bytes.IndexByte(s.rest, ',')
	if end < 0 {
		end = len(s.rest)
	}
	n, err := strconv.ParseInt(string(s.rest[:end]), 10, 64)
	s.rest = s.rest[end:]
	return n, err == nil && c.kind == kindInteger
}
