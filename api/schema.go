package api

import (
	"reflect"
	"strconv"
	"strings"

	"gusty/messages"
)

// schema is a JSON Schema (draft 2020-12, which is that of OpenAPI 3.1).
type schema map[string]any

// anyOf stands in the route table for a body that has one of several types.
type anyOf []any

// schemas builds schemas from Go types, by the same fields that decoding goes by. Named structs
// become components.
type schemas struct {
	components map[string]any
	answer     bool // in an answer what is absent is null
	strict     bool // keys that the type does not have are refused
}

// of returns the schema of a value's type.
func (s *schemas) of(value any) schema {
	if several, ok := value.(anyOf); ok {
		var list []schema
		for _, one := range several {
			list = append(list, s.of(one))
		}
		return schema{"anyOf": list}
	}
	return s.ofType(reflect.TypeOf(value))
}

func (s *schemas) ofType(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.Pointer:
		return s.ofPointer(t)
	case reflect.Struct:
		return s.component(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{"type": "string", "contentEncoding": "base64"}
		}
		return schema{"type": "array", "items": s.ofType(t.Elem())}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return schema{"type": "object"}
		}
		return schema{"type": "object", "additionalProperties": s.ofType(t.Elem())}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return ofString(t)
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Uint64:
		return schema{"type": "integer", "minimum": 0}
	default:
		return schema{"type": "integer"}
	}
}

// ofPointer is null or the value in an answer, and just the value in a request: null is no value
// there.
func (s *schemas) ofPointer(t reflect.Type) schema {
	inner := s.ofType(t.Elem())
	if !s.answer {
		return inner
	}
	if kind, ok := inner["type"].(string); ok {
		inner["type"] = []string{kind, "null"}
		return inner
	}
	return schema{"anyOf": []schema{inner, {"type": "null"}}}
}

// ofString knows the types whose values are a short list.
func ofString(t reflect.Type) schema {
	out := schema{"type": "string"}
	switch t {
	case reflect.TypeFor[messages.OverlapPolicy]():
		out["enum"] = []messages.OverlapPolicy{
			messages.OverlapSkip, messages.OverlapQueue, messages.OverlapAllow,
			messages.OverlapReplace,
		}
	case reflect.TypeFor[messages.MisfirePolicy]():
		out["enum"] = []messages.MisfirePolicy{
			messages.MisfireSkip, messages.MisfireRunOnce,
			messages.MisfireRunAll,
		}
	case reflect.TypeFor[messages.RunState]():
		out["enum"] = messages.RunStates()
	case reflect.TypeFor[messages.Trigger]():
		out["enum"] = []messages.Trigger{
			messages.TriggerSchedule, messages.TriggerAPI, messages.TriggerRetry,
			messages.TriggerMisfire,
		}
	}
	return out
}

// component returns a reference to a struct's schema, which it makes at first sight.
func (s *schemas) component(t reflect.Type) schema {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if _, known := s.components[name]; !known {
		s.components[name] = nil // a type that holds itself ends here
		s.components[name] = s.object(t)
	}
	return schema{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) object(t reflect.Type) schema {
	properties, required := map[string]any{}, []string{}
	out := schema{"type": "object"}
	if s.strict {
		out["additionalProperties"] = false
	}
	for f := range fieldsOf(t) {
		property := s.ofType(f.field.Type)
		constrain(property, f.field.Tag.Get("schema"))
		if !s.answer {
			constrain(property, optionRange(f.name))
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	out["properties"] = properties
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// constrain adds what a field's tag says: keyword=value,…; enum's values have | between them.
func constrain(to schema, tag string) {
	if tag == "" {
		return
	}
	for rule := range strings.SplitSeq(tag, ",") {
		keyword, value, _ := strings.Cut(rule, "=")
		number, err := strconv.Atoi(value)
		switch {
		case keyword == "enum":
			to[keyword] = strings.Split(value, "|")
		case value == "true" || value == "false":
			to[keyword] = value == "true"
		case err == nil:
			to[keyword] = number
		default:
			to[keyword] = value
		}
	}
}

// optionRange returns the range of a job's option in the words of constrain. The values are those
// that its validation goes by.
func optionRange(name string) string {
	between := func(least, most int) string {
		return "minimum=" + strconv.Itoa(least) + ",maximum=" + strconv.Itoa(most)
	}
	switch name {
	case "misfire_grace_seconds":
		return between(0, messages.MaxMisfireGrace)
	case "kill_grace_seconds":
		return between(0, messages.MaxKillGrace)
	case "max_retries":
		return between(0, messages.MaxRetries)
	case "retry_delay_seconds":
		return between(0, messages.MaxRetryDelay)
	case "jitter_seconds":
		return between(0, messages.MaxJitterSeconds)
	case "output_limit_bytes":
		return between(0, messages.MaxOutputLimit)
	case "keep_runs":
		return between(1, messages.MaxKeepRuns)
	case "nice":
		return between(-20, 19)
	case "memory_limit_bytes", "cpu_limit_percent":
		return "minimum=0"
	case "description", "working_directory", "run_as":
		return "maxLength=" + strconv.Itoa(messages.MaxFieldBytes)
	case "success_exit_codes":
		return "minItems=1,maxItems=" + strconv.Itoa(messages.MaxExitCodes)
	}
	return ""
}
