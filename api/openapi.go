package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"gusty/messages"
)

// getOpenAPI renders the document anew for each request: it is asked for rarely, and memory is kept
// all the time.
func getOpenAPI(r *request) error {
	return r.ok(document(r.server.table.routes, r.server.options.Build.Version))
}

// document returns the OpenAPI 3.1 description of routes.
func document(routes []Route, version string) map[string]any {
	components := map[string]any{}
	out := &schemas{components: components, answer: true}
	failures := map[string]any{}
	paths := map[string]map[string]any{}
	for i := range routes {
		route := &routes[i]
		if paths[route.Path] == nil {
			paths[route.Path] = map[string]any{}
		}
		paths[route.Path][strings.ToLower(route.Method)] = route.operation(out, failures)
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Gusty", "version": orText(version, "dev"),
			"description": "Every answer carries X-Request-Id. HEAD is answered where GET is. " +
				"Times are RFC 3339 in UTC.",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas":   components,
			"responses": failures,
			"securitySchemes": map[string]any{"basic": map[string]any{
				"type":   "http",
				"scheme": "basic",
			}},
		},
	}
}

// operation describes one route; the descriptions of errors go to failures, where all routes share
// them.
func (route *Route) operation(out *schemas, failures map[string]any) map[string]any {
	operation := map[string]any{
		"operationId": route.operationID(), "summary": route.Summary,
		"responses": route.responses(out, failures), "security": []any{},
	}
	if !route.Open {
		operation["security"] = []any{map[string]any{"basic": []string{}}}
		operation["description"] = "Needs the scope `" + string(route.Scope) + "`."
	}
	if parameters := route.parameters(); len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	if route.Body != nil {
		in := &schemas{components: out.components, strict: route.Added}
		content := map[string]any{}
		for _, media := range route.bodyMedia() {
			content[media] = map[string]any{"schema": in.of(route.Body)}
		}
		operation["requestBody"] = map[string]any{"required": true, "content": content}
	}
	return operation
}

// operationID is the method and the words of the path.
func (route *Route) operationID() string {
	words := strings.FieldsFunc(route.Path, func(c rune) bool {
		return strings.ContainsRune("/{}._", c)
	})
	return strings.ToLower(route.Method) + "_" + strings.Join(words, "_")
}

func (route *Route) parameters() []map[string]any {
	var list []map[string]any
	if _, rest, ok := strings.Cut(route.Path, "{"); ok {
		name, _, _ := strings.Cut(rest, "}")
		list = append(list, map[string]any{
			"name": name, "in": "path", "required": true, "schema": schema{
				"type":   "string",
				"format": "uuid",
			},
		})
	}
	for i := range route.Query {
		p := &route.Query[i]
		list = append(list, map[string]any{
			"name": p.Name, "in": "query", "required": p.Required, "description": p.Doc,
			"schema": p.schema(),
		})
	}
	return list
}

// schema allows the empty text wherever the parameter may be absent: it means the same.
func (p *Parameter) schema() schema {
	out := schema{"type": "string"}
	switch p.Kind {
	case IntegerParameter:
		out = schema{"type": "integer", "minimum": p.Least, "maximum": p.Most}
	case BooleanParameter:
		out = schema{"type": "boolean"}
	case ChoiceParameter:
		out["enum"] = p.Choices
	case TimeParameter:
		out["anyOf"] = []schema{{"format": "date-time"}, {"pattern": "^[+-]?[0-9]+$"}}
	case IDParameter:
		out["format"] = "uuid"
	case NameParameter:
		out["maxLength"] = messages.MaxJobNameBytes
	case TextParameter:
		out["maxLength"] = p.Most
	}
	if p.Required {
		out["minLength"] = 1
	}
	if p.Default != "" {
		constrain(out, "default="+p.Default)
	}
	return out
}

// responses lists every status that the route can give.
func (route *Route) responses(out *schemas, failures map[string]any) map[string]any {
	list := map[string]any{}
	for _, status := range route.errorStatuses() {
		key := strconv.Itoa(status)
		if failures["Error"+key] == nil {
			failures["Error"+key] = errorResponse(out, status)
		}
		list[key] = map[string]any{"$ref": "#/components/responses/Error" + key}
	}
	contents := map[int]map[string]any{} // one status may have several media types
	for _, a := range route.Answers {
		if contents[a.Status] == nil {
			contents[a.Status] = map[string]any{}
		}
		contents[a.Status][orText(a.Media, mediaJSON)] = map[string]any{"schema": out.of(a.Body)}
		list[strconv.Itoa(a.Status)] = map[string]any{
			"description": orText(a.Doc, "Success"), "content": contents[a.Status],
			"headers": requestIDHeader(),
		}
	}
	return list
}

// errorStatuses are those of the route itself and those that any route of its kind can give.
func (route *Route) errorStatuses() []int {
	all := slices.Concat(route.Errors, []int{
		http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusRequestHeaderFieldsTooLarge,
		http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	})
	if !route.Open {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	}
	if route.Body != nil {
		all = append(all, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	if route.refusesBody() {
		all = append(all, http.StatusUnprocessableEntity)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func errorResponse(out *schemas, status int) map[string]any {
	headers := requestIDHeader()
	text := map[string]any{"schema": schema{"type": "string"}}
	switch status {
	case http.StatusUnauthorized:
		headers["WWW-Authenticate"] = text
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		headers["Retry-After"] = map[string]any{"schema": schema{"type": "integer", "minimum": 1}}
	}
	return map[string]any{
		"description": http.StatusText(status), "headers": headers,
		"content": map[string]any{mediaJSON: map[string]any{"schema": out.of(errorBody{})}},
	}
}

func requestIDHeader() map[string]any {
	return map[string]any{"X-Request-Id": map[string]any{
		"description": "The id of the request, as in the agent's log", "required": true,
		"schema": schema{"type": "string", "format": "uuid"},
	}}
}
