package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"unicode/utf8"

	"gusty/messages"
)

// maxNesting bounds how deep arrays and objects may lie in each other; no route needs more than 3.
const maxNesting = 16

// decode reads the body into to, a pointer to a value of the route's Body type. It is stricter than
// encoding/json: keys match to the letter and stand once, null is no value, numbers are whole where
// the field is, nothing follows the value, and a field without `omitempty` must be there. Keys that
// the type does not have are ignored on the routes of the Rust agent, and refused on all others.
// What is no JSON at all is CodeNotJSON; what is, but not what to takes, is CodeInvalid with the
// field.
func (r *request) decode(to any) error {
	body := r.http.PostBody()
	if len(body) > r.server.limits.BodyBytes {
		leave, err := r.server.decoding.enter(r.server.ctx)
		if err != nil {
			return err
		}
		defer leave()
	}
	defer r.dropBody()
	if !isJSON(body) {
		return messages.Errorf(messages.CodeNotJSON, "the body is not JSON in UTF-8")
	}
	return binder{
		strict: r.route.Added,
		fields: &r.server.fields,
	}.bind(body, reflect.ValueOf(to).Elem(), "")
}

func isJSON(body []byte) bool {
	return utf8.Valid(body) && nesting(body) <= maxNesting && json.Valid(body)
}

// nesting counts how deep brackets lie in each other, outside of strings.
func nesting(body []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[', c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']', c == '}':
			depth--
		}
	}
	return deepest
}

// binder reads JSON that is known to be valid.
type binder struct {
	strict bool
	fields *fieldCache
}

// bind reads raw into v; field is what an error names.
func (b binder) bind(raw json.RawMessage, v reflect.Value, field string) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return b.bind(raw, v.Elem(), field)
	case reflect.Struct:
		return b.bindStruct(raw, v, field)
	case reflect.Slice:
		return b.bindSlice(raw, v, field)
	case reflect.Map:
		return b.bindMap(raw, v, field)
	default:
		return bindScalar(raw, v, field)
	}
}

func wrongType(field, want string) error {
	if field == "" {
		return messages.Invalidf("", "the body must be %s", want)
	}
	return messages.Invalidf(field, "must be %s", want)
}

func bindScalar(raw json.RawMessage, v reflect.Value, field string) error {
	text := bytes.TrimSpace(raw)
	switch v.Kind() {
	case reflect.String:
		if text[0] != '"' {
			return wrongType(field, "a string")
		}
		s, err := unquote(text)
		if err != nil {
			return wrongType(field, "a string")
		}
		v.SetString(s)
	case reflect.Bool:
		if text[0] != 't' && text[0] != 'f' {
			return wrongType(field, "true or false")
		}
		v.SetBool(text[0] == 't')
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return wrongType(field, "a whole number")
		}
		v.SetInt(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return wrongType(field, "a whole number that is not negative")
		}
		v.SetUint(n)
	default:
		// a route's body type has a field that this function does not know
		return &json.UnsupportedTypeError{Type: v.Type()}
	}
	return nil
}

func (b binder) bindSlice(raw json.RawMessage, v reflect.Value, field string) error {
	var items []json.RawMessage
	if bytes.TrimSpace(raw)[0] != '[' || json.Unmarshal(raw, &items) != nil {
		return wrongType(field, "an array")
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := b.bind(item, out.Index(i), field); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (b binder) bindMap(raw json.RawMessage, v reflect.Value, field string) error {
	members, err := members(raw, field)
	if err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(v.Type(), len(members))
	for name, value := range members {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := b.bind(value, element, field); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(name), element)
	}
	v.Set(out)
	return nil
}

func (b binder) bindStruct(raw json.RawMessage, v reflect.Value, field string) error {
	members, err := members(raw, field)
	if err != nil {
		return err
	}
	for _, f := range b.fields.of(v.Type()) {
		value, there := members[f.name]
		switch {
		case !there && f.required:
			return messages.Invalidf(f.name, "is missing")
		case !there:
			continue
		}
		delete(members, f.name)
		if err := b.bind(value, v.FieldByIndex(f.index), f.name); err != nil {
			return err
		}
	}
	for name := range members {
		if b.strict {
			return messages.Invalidf(clip(name), "is not a field of this request")
		}
	}
	return nil
}
