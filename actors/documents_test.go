package actors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fieldsOf returns the JSON names of a document's fields, those of objects with a dot.
func fieldsOf(t reflect.Type, prefix string, add func(string)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			fieldsOf(f.Type, prefix, add)
		case f.Type.Kind() == reflect.Struct:
			fieldsOf(f.Type, prefix+name+".", add)
		default:
			add(prefix + name)
		}
	}
}

// Every field of a document has its type in the index template, and no other has.
func TestTemplatesNameTheFieldsOfDocuments(t *testing.T) {
	type property struct {
		Properties map[string]property `json:"properties"`
	}
	for file, documents := range map[string][]any{
		"template-logs.json": {lossNotice{}},
		"template-health.json": {healthDocument{}, struct {
			Sequence uint64 `json:"sequence"` // added when it is sent
		}{}},
	} {
		text, err := os.ReadFile(filepath.Join("..", "deploy", "opensearch", file))
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Template struct {
				Mappings property `json:"mappings"`
			} `json:"template"`
		}
		if err := json.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		typed := map[string]bool{}
		var walk func(prefix string, p property)
		walk = func(prefix string, p property) {
			for name, inner := range p.Properties {
				if len(inner.Properties) == 0 {
					typed[prefix+name] = true
				}
				walk(prefix+name+".", inner)
			}
		}
		walk("", template.Template.Mappings)
		for _, document := range documents {
			fieldsOf(reflect.TypeOf(document), "", func(name string) {
				if !typed[name] {
					t.Errorf("%s has no type for %s", file, name)
				}
				delete(typed, name)
			})
		}
		if len(typed) > 0 {
			t.Errorf("%s has types for what no document has: %v", file, typed)
		}
	}
}
