package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// field is one member of a JSON object; unlike a map, a slice of them keeps the agent's order.
type field struct {
	key   string
	value json.RawMessage
}

// printObject prints any JSON object as rows, so that a field which a later agent adds is shown
// too.
func (a *app) printObject(got *answer) error {
	fields, err := got.Fields()
	if err != nil {
		return err
	}
	return a.printRows(a.rows(fields, ""))
}

// rows returns a row for each field; those of an object inside are indented under its name.
func (a *app) rows(fields []field, indent string) [][2]string {
	var rows [][2]string
	for _, f := range fields {
		if inner, err := fieldsOf(f.value); err == nil && len(inner) > 0 {
			rows = append(rows, [2]string{indent + f.key, ""})
			rows = append(rows, a.rows(inner, indent+"  ")...)
			continue
		}
		rows = append(rows, [2]string{indent + f.key, a.humane(f.key, f.value)})
	}
	return rows
}

// fieldsOf reads the members of a JSON object in their order.
func fieldsOf(body []byte) ([]field, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := expect(decoder, '{'); err != nil {
		return nil, err
	}
	var fields []field
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		f := field{}
		f.key, _ = key.(string) // the decoder gives nothing but strings where a name belongs
		if err := decoder.Decode(&f.value); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, expect(decoder, '}')
}

func expect(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v stands where %v belongs", token, want)
	}
	return nil
}

// without returns fields without those named.
func without(fields []field, keys ...string) []field {
	return slices.DeleteFunc(fields, func(f field) bool { return slices.Contains(keys, f.key) })
}
