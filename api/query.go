package api

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gusty/messages"
)

// ParameterKind is what a query parameter's text must be.
type ParameterKind string

// The kinds of query parameters.
const (
	TextParameter    ParameterKind = "text"
	NameParameter    ParameterKind = "name" // a job's name
	IntegerParameter ParameterKind = "integer"
	ChoiceParameter  ParameterKind = "choice"
	BooleanParameter ParameterKind = "boolean" // true or false
	TimeParameter    ParameterKind = "time"    // RFC 3339, or whole Unix seconds
	IDParameter      ParameterKind = "id"      // a UUID
)

// Parameter is one query parameter. A request is checked against it before the route's function
// runs.
type Parameter struct {
	Name     string
	Kind     ParameterKind
	Required bool
	Doc      string
	Choices  []string
	Default  string // what an absent one means
	Least    int
	Most     int // of an integer its value, of a text its bytes
}

// checkQuery checks what was sent against the route's parameters.
func (r *request) checkQuery() error {
	args := r.http.QueryArgs()
	for i := range r.route.Query {
		p := &r.route.Query[i]
		if !args.Has(p.Name) {
			if p.Required {
				return badQuery(p.Name, "is missing: this route needs ?%s=", p.Name)
			}
			continue
		}
		if err := p.check(string(args.Peek(p.Name))); err != nil {
			return err
		}
	}
	if r.route.Added {
		return r.refuseUnknownQuery()
	}
	return nil
}

// refuseUnknownQuery keeps a misspelt filter from being none.
func (r *request) refuseUnknownQuery() error {
	for key := range r.http.QueryArgs().All() {
		if !slices.ContainsFunc(r.route.Query, func(p Parameter) bool {
			return p.Name == string(key)
		}) {
			return badQuery(clip(strings.ToValidUTF8(string(key), "?")),
				"is not a parameter of this route")
		}
	}
	return nil
}

func badQuery(name, format string, args ...any) *messages.Error {
	e := messages.Errorf(messages.CodeBadQuery, format, args...)
	e.Field = name
	return e
}

func (p *Parameter) check(value string) error {
	if !utf8.ValidString(value) {
		return badQuery(p.Name, "is not valid UTF-8")
	}
	switch p.Kind {
	case NameParameter:
		if value == "" && !p.Required {
			return nil // asks for all, as if it were absent
		}
		if e := messages.AsError(messages.ValidateJobName(value)); e != nil {
			return badQuery(p.Name, "%s", e.Message)
		}
	case IntegerParameter:
		if n, err := strconv.Atoi(value); err != nil || n < p.Least || n > p.Most {
			return badQuery(p.Name, "needs a whole number from %d to %d", p.Least, p.Most)
		}
	case ChoiceParameter:
		if !slices.Contains(p.Choices, value) {
			return badQuery(p.Name, "%q is none of %s", value, strings.Join(p.Choices, ", "))
		}
	case BooleanParameter:
		if value != "true" && value != "false" {
			return badQuery(p.Name, "needs true or false")
		}
	case TimeParameter:
		if _, ok := parseInstant(value); !ok {
			return badQuery(p.Name, "needs a time such as 2026-01-31T12:00:00Z, or whole Unix "+
				"seconds such as 1769860800")
		}
	case IDParameter:
		if !isID(value) {
			return badQuery(p.Name, "needs a UUID")
		}
	case TextParameter:
		if value == "" && p.Required {
			return badQuery(p.Name, "is empty: this route needs it")
		}
		if len(value) > p.Most {
			return badQuery(p.Name, "has %d bytes, and may have at most %d", len(value), p.Most)
		}
	}
	return nil
}

// queryText returns a parameter's value as a copy, or its default.
func (r *request) queryText(name string) string {
	if value := r.http.QueryArgs().Peek(name); len(value) > 0 {
		return string(value)
	}
	for i := range r.route.Query {
		if r.route.Query[i].Name == name {
			return r.route.Query[i].Default
		}
	}
	return ""
}

// queryBool returns a boolean parameter that was checked.
func (r *request) queryBool(name string) bool { return r.queryText(name) == "true" }

// queryInt returns an integer parameter that was checked.
func (r *request) queryInt(name string) int {
	n, err := strconv.Atoi(r.queryText(name))
	if err != nil {
		return 0
	}
	return n
}

// The Unix seconds of the years that RFC 3339 has, 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// parseInstant reads RFC 3339 or whole Unix seconds.
func parseInstant(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, firstSecond <= t.Unix() && t.Unix() <= lastSecond
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0), err == nil && firstSecond <= seconds && seconds <= lastSecond
}

// queryTime returns a time that was checked, or the time of the request where it is absent.
func (r *request) queryTime(name string) time.Time {
	if t, ok := parseInstant(r.queryText(name)); ok {
		return t
	}
	return r.start
}

// isID reports whether text is a UUID in its usual form.
func isID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}
