package api

import (
	"bytes"
	"encoding/json"
	"iter"

	"gusty/messages"
)

// members returns the members of an object, each once.
func members(raw json.RawMessage, field string) (map[string]json.RawMessage, error) {
	if bytes.TrimSpace(raw)[0] != '{' {
		return nil, wrongType(field, "an object")
	}
	out := make(map[string]json.RawMessage)
	for name, value := range eachMember(raw) {
		text, err := unquote(name)
		if err != nil {
			return nil, err // never: it was valid JSON
		}
		if _, twice := out[text]; twice {
			return nil, messages.Invalidf(clip(text), "stands twice")
		}
		out[text] = value
	}
	return out, nil
}

// eachMember goes through the members of an object that is valid JSON, by the few characters that
// tell them apart. The name is in its quotes.
func eachMember(object json.RawMessage) iter.Seq2[json.RawMessage, json.RawMessage] {
	return func(yield func(name, value json.RawMessage) bool) {
		begin, colon, depth := 0, 0, 0 // of the member, in the object
		for i := 0; i < len(object); i++ {
			switch object[i] {
			case '"':
				i = endOfString(object, i)
			case ':':
				if depth == 1 {
					colon = i
				}
			case '{', '[':
				if depth++; depth == 1 {
					begin = i + 1
				}
				continue
			case '}', ']':
				depth--
			}
			if ends := depth == 0 && object[i] == '}' || depth == 1 && object[i] == ','; !ends ||
				colon < begin {
				continue
			}
			if !yield(bytes.TrimSpace(object[begin:colon]), bytes.TrimSpace(object[colon+1:i])) {
				return
			}
			begin = i + 1
		}
	}
}

// endOfString returns the place of the quote that ends the string which begins at begin.
func endOfString(text json.RawMessage, begin int) int {
	for i := begin + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}

// unquote returns the text of a JSON string.
func unquote(quoted json.RawMessage) (text string, err error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	err = json.Unmarshal(quoted, &text)
	return text, err
}
