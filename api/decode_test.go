package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"gusty/messages"
)

func TestStrictBinder(t *testing.T) {
	body := []byte(`{"id":"a","extra":1}`)
	var in heartbeatRequest
	if err := (binder{fields: &fieldCache{}}).bind(body, reflect.ValueOf(&in).Elem(),
		""); err != nil || in.ID != "a" {
		t.Errorf("%+v %v", in, err)
	}
	err := binder{strict: true, fields: &fieldCache{}}.bind(body, reflect.ValueOf(&in).Elem(), "")
	if e := messages.AsError(err); e == nil || e.Field != "extra" {
		t.Errorf("got %v", err)
	}
}

func TestKeysMatchToTheLetter(t *testing.T) {
	var in heartbeatRequest
	err := binder{fields: &fieldCache{}}.bind([]byte(`{"ID":"a"}`), reflect.ValueOf(&in).Elem(), "")
	if e := messages.AsError(err); e == nil || e.Field != "id" {
		t.Errorf("got %v", err)
	}
}

// FuzzDecode holds that whatever is sent is either refused as the client's fault or gives a job
// that can be stored.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(script("a", "YQ==", "* * * * *", `,"environment":{"A":"b"},"success_exit_codes":[0,1],"nice":-5`)))
	f.Add([]byte(`{"script_name":1}`))
	f.Add([]byte(` { "a" : [ {"b":"}{\\\"]"} , [] ] , "\u0061b" : { } , "" : -1.5e+3 , "c,:" : null } `))
	f.Add([]byte(`{}`))
	f.Add([]byte(`[{"propertyName":"a","propertyValue":"b"}]`))
	f.Add([]byte(`{"a":"\ud800","a":"\\\""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if !isJSON(body) {
			return
		}
		var rows []propertyRow
		var in storeRequest
		checkMembers(t, body)
		checkFault(t, binder{
			strict: true,
			fields: &fieldCache{},
		}.bind(body, reflect.ValueOf(&rows).Elem(), ""))
		if err := (binder{fields: &fieldCache{}}).bind(body, reflect.ValueOf(&in).Elem(),
			""); err != nil {
			checkFault(t, err)
			return
		}
		job, err := in.job(encodingBase64)
		checkFault(t, err)
		if err == nil && job.Validate() != nil {
			t.Errorf("%q was taken", body)
		}
	})
}

// checkMembers holds that an object's members are those that encoding/json finds.
func checkMembers(t *testing.T, body []byte) {
	t.Helper()
	got, err := members(body, "")
	var want map[string]json.RawMessage
	if json.Unmarshal(body, &want) != nil || want == nil {
		if err == nil {
			t.Errorf("%q: no object gave %q", body, got)
		}
		return
	}
	if err != nil {
		checkFault(t, err) // a name stands twice
		return
	}
	if len(got) != len(want) {
		t.Errorf("%q: %q, want %q", body, got, want)
	}
	for name, value := range want {
		if !bytes.Equal(got[name], value) {
			t.Errorf("%q: %q is %q, want %q", body, name, got[name], value)
		}
	}
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	if err != nil && messages.CodeOf(err) != messages.CodeInvalid {
		t.Errorf("unexpected: %v", err)
	}
}

// FuzzNesting holds that the count is never below what a real parser finds.
func FuzzNesting(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"]}\"["}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var v any
		if !utf8.Valid(body) || json.Unmarshal(body, &v) != nil {
			return
		}
		if got, want := nesting(body), depth(v); got != want {
			t.Errorf("nesting(%q) is %d, want %d", body, got, want)
		}
	})
}

func depth(v any) (deepest int) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			deepest = max(deepest, depth(item))
		}
		return deepest + 1
	case map[string]any:
		for _, item := range v {
			deepest = max(deepest, depth(item))
		}
		return deepest + 1
	}
	return 0
}

// FuzzParseBasic holds that no header is taken that lacks a name.
func FuzzParseBasic(f *testing.F) {
	f.Add([]byte("Basic " + b64("a:b:c")))
	f.Add([]byte("basic  Og=="))
	f.Fuzz(func(t *testing.T, header []byte) {
		if name, _, ok := parseBasic(header); ok && (name == "" || len(name) > 255) {
			t.Errorf("%q gave %q", header, name)
		}
	})
}
