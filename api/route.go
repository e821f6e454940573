package api

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"gusty/messages"
)

// Route is one row of the route table. Everything the server knows of a route is here: what finds
// it, what guards it, what it takes, what it answers, and what carries it out. The OpenAPI document
// is made from the same rows.
type Route struct {
	Method  string
	Path    string // with at most one {…}
	Scope   messages.Scope
	Open    bool // needs no credentials
	Added   bool // is none of the Rust agent's: what it does not know is refused instead of ignored
	Summary string
	Query   []Parameter
	Body    any // a value of the type that the body is decoded into; nil where the route takes none
	// BodyMedia are the types that the body may have; nil: JSON.
	BodyMedia []string
	Answers   []Answer
	Errors    []int // statuses beside those that every route of its kind can give

	place   int  // in the table
	script  bool // the body may be large
	streams bool // the answer may be large
	imports bool // the body may be as large as an import
	gathers bool // the answer is put together from much, and one at a time is enough to wait for
	handle  func(*request) error
}

// Answer is one successful answer.
type Answer struct {
	Status int
	Media  string // empty: JSON
	Body   any    // a value of the type of the body
	Doc    string // empty: "Success"
}

// bodyMedia returns the types that the body may have.
func (route *Route) bodyMedia() []string {
	if route.BodyMedia == nil {
		return []string{mediaJSON}
	}
	return route.BodyMedia
}

// refusesBody reports whether a body is refused unless it is an object without fields. What the
// Rust agent has ignores what it does not know, and a GET's body means nothing.
func (route *Route) refusesBody() bool {
	return route.Added && route.Body == nil && route.Method != http.MethodGet
}

// resource is all routes of one path.
type resource struct {
	routes []*Route
	allow  string // for 405
}

// route returns the resource's route for a method; HEAD is answered where GET is.
func (c *resource) route(method []byte) *Route {
	if string(method) == http.MethodHead {
		method = []byte(http.MethodGet)
	}
	for _, route := range c.routes {
		if route.Method == string(method) {
			return route
		}
	}
	return nil
}

func (c *resource) add(route *Route) {
	c.routes = append(c.routes, route)
	var methods []string
	for _, r := range c.routes {
		methods = append(methods, r.Method)
		if r.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	c.allow = strings.Join(methods, ", ")
}

// pattern is a path with one {…}, split there.
type pattern struct {
	before, after string
	resource      *resource
}

// routeTable finds routes by path: the plain ones in one look-up, then the few with a parameter.
// Nothing is redirected or guessed.
type routeTable struct {
	routes   []Route
	plain    map[string]*resource
	patterns []*pattern
}

func newRouteTable(routes []Route) *routeTable {
	t := &routeTable{routes: routes, plain: make(map[string]*resource)}
	for i := range routes {
		routes[i].place = i
		t.resourceOf(routes[i].Path).add(&routes[i])
	}
	return t
}

func (t *routeTable) resourceOf(path string) *resource {
	before, rest, isPattern := strings.Cut(path, "{")
	if !isPattern {
		if t.plain[path] == nil {
			t.plain[path] = &resource{}
		}
		return t.plain[path]
	}
	_, after, _ := strings.Cut(rest, "}")
	for _, p := range t.patterns {
		if p.before == before && p.after == after {
			return p.resource
		}
	}
	p := &pattern{before: before, after: after, resource: &resource{}}
	t.patterns = append(t.patterns, p)
	return p.resource
}

// find returns the resource at path and the value of its parameter; nil where there is none.
func (t *routeTable) find(path []byte) (found *resource, param string) {
	if found = t.plain[string(path)]; found != nil {
		return found, ""
	}
	for _, p := range t.patterns {
		rest, ok := bytes.CutPrefix(path, []byte(p.before))
		if !ok {
			continue
		}
		value, ok := bytes.CutSuffix(rest, []byte(p.after))
		if ok && len(value) > 0 && bytes.IndexByte(value, '/') < 0 {
			return p.resource, string(value)
		}
	}
	return nil, ""
}

// name returns what a place of the table is called in counters.
func (t *routeTable) name(place int) (method, path string) {
	if place >= len(t.routes) {
		return "", "unmatched"
	}
	return t.routes[place].Method, t.routes[place].Path
}
