package api

import (
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// jsonField is what a struct's field is in JSON. Decoding and the OpenAPI schemas both go by it.
type jsonField struct {
	name     string
	required bool // it has no omitempty
	index    []int
	field    reflect.StructField
}

// fieldCache remembers the fields of the types that bodies are read into: to look them up takes
// longer than to read a body. The zero value is ready; it is safe for concurrent use.
type fieldCache struct{ byType sync.Map }

func (c *fieldCache) of(t reflect.Type) []jsonField {
	if known, ok := c.byType.Load(t); ok {
		return known.([]jsonField)
	}
	fields := slices.Collect(fieldsOf(t))
	c.byType.Store(t, fields)
	return fields
}

// fieldsOf returns the JSON fields of a struct type in order, those of embedded structs in their
// place.
func fieldsOf(t reflect.Type) iter.Seq[jsonField] {
	return func(yield func(jsonField) bool) { walkFields(t, nil, yield) }
}

func walkFields(t reflect.Type, path []int, yield func(jsonField) bool) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append(make([]int, 0, len(path)+1), path...), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if !walkFields(f.Type, index, yield) {
				return false
			}
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		if !yield(jsonField{
			name:     name,
			required: !strings.Contains(options, "omitempty"),
			index:    index,
			field:    f,
		}) {
			return false
		}
	}
	return true
}
