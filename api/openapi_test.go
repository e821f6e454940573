package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestRouteTableIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, route := range Routes() {
		name := route.Method + " " + route.Path
		if seen[name] {
			t.Errorf("%s stands twice", name)
		}
		seen[name] = true
		if route.handle == nil || route.Summary == "" || len(route.Answers) == 0 {
			t.Errorf("%s lacks its function, its summary or its answers", name)
		}
		if route.Open == (route.Scope != "") {
			t.Errorf("%s needs either a scope or to be open", name)
		}
		if strings.Count(route.Path, "{") > 1 {
			t.Errorf("%s has more than one parameter, which the table cannot find", name)
		}
	}
}

func TestEveryGuardedRouteAsksForCredentials(t *testing.T) {
	h := start(t, nil)
	for _, route := range Routes() {
		request := h.request(route.Method,
			strings.NewReplacer("{run_id}", runID).Replace(route.Path), "")
		request.Header.Del("Authorization")
		got := h.send(request)
		if want := http.StatusUnauthorized; !route.Open && got.status != want {
			t.Errorf("%s %s without credentials: %d", route.Method, route.Path, got.status)
		}
	}
}

func TestDocumentDescribesEveryRoute(t *testing.T) {
	doc := testDocument(t)
	for _, route := range Routes() {
		item := doc.Paths.Value(route.Path)
		if item == nil || item.GetOperation(route.Method) == nil {
			t.Errorf("%s %s is missing", route.Method, route.Path)
			continue
		}
		operation := item.GetOperation(route.Method)
		if (operation.RequestBody != nil) != (route.Body != nil) ||
			(len(*operation.Security) == 0) != route.Open {
			t.Errorf("%s %s: its body or its security is not that of the table", route.Method,
				route.Path)
		}
	}
	name := doc.Components.Schemas["StoreRequest"].Value
	if len(name.Required) != 4 || name.Properties["overlap_policy"].Value.Enum == nil ||
		*name.Properties["nice"].Value.Min != -20 {
		t.Errorf("the schema of a script request is %+v", name)
	}
}
