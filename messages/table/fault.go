package table

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LineError says why a line is no row of an export, and as far as it can be told which row it would
// have been.
type LineError struct {
	Table string // empty where the line names none that there is
	Name  string // as RowName gives it; empty where it cannot be told
	Why   string // one sentence that holds nothing of the line but names
}

// Error returns the sentence.
func (e *LineError) Error() string { return e.Why }

// LineFault returns what is known of the line of an error of ParseLine.
func LineFault(err error) LineError {
	if e, ok := errors.AsType[*LineError](err); ok {
		return *e
	}
	return LineError{Why: err.Error()}
}

// rowFault looks through a row that does not fit its table, member by member: for the one that is
// at fault, and for the name.
func rowFault[T TableRow](raw []byte) error {
	var row T
	fault := &LineError{Table: row.Table(), Why: "the row is not JSON"}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return fault
	}
	why := "its members do not go together"
	try := func(text []byte) error { return decodeStrictly(text, new(T)) }
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(members))) {
		member := objectOf(name, members[name])
		if err := try(member); err != nil {
			why = memberFault([]string{name}, members[name], err, try)
		} else if err := decodeStrictly(member, &row); err != nil {
			return err // never: it was tried
		}
	}
	fault.Name, fault.Why = clipped(row.RowName()), "the row does not fit its table: "+why
	return fault
}

// memberFault says what is wrong with the value at a path, or within it.
func memberFault(path []string, value json.RawMessage, err error, try func([]byte) error) string {
	var members map[string]json.RawMessage
	if try(objectAt(path, []byte("{}"))) == nil && json.Unmarshal(value, &members) == nil {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			deeper := append(slices.Clone(path), name)
			if err := try(objectAt(deeper, members[name])); err != nil {
				return memberFault(deeper, members[name], err, try)
			}
		}
	}
	name := clipped(strings.Join(path, "."))
	if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return fmt.Sprintf("%s has a value of the wrong kind (%s)", name, wrong.Value)
	}
	if _, is := errors.AsType[base64.CorruptInputError](err); is {
		return name + " is not base64 (standard alphabet, with padding)"
	}
	return "it has no " + name
}

// objectAt returns a value at a path of members, each alone.
func objectAt(path []string, value []byte) []byte {
	for _, name := range slices.Backward(path) {
		value = objectOf(name, value)
	}
	return value
}

func objectOf(name string, value []byte) []byte {
	key, _ := json.Marshal(name) // a string can always be written
	return slices.Concat([]byte{'{'}, key, []byte{':'}, value, []byte{'}'})
}
