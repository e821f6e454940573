package opensearch

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// strictly decodes JSON, and fails the test where it has a field that the type does not know.
func strictly[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if d.More() {
		t.Fatalf("more than one value in\n%s", text)
	}
	return v
}

// template is a composable index template, as far as the files here use it.
type template struct {
	IndexPatterns []string `json:"index_patterns"`
	Priority      int      `json:"priority"`
	Meta          struct {
		Description string `json:"description"`
	} `json:"_meta"`
	Template struct {
		Settings map[string]any `json:"settings"`
		Mappings struct {
			DynamicTemplates []map[string]struct {
				PathMatch string         `json:"path_match"`
				Mapping   map[string]any `json:"mapping"`
			} `json:"dynamic_templates"`
			Properties map[string]property `json:"properties"`
		} `json:"mappings"`
	} `json:"template"`
}

// property is a field of a mapping.
type property struct {
	Type        string              `json:"type"`
	IgnoreAbove int                 `json:"ignore_above"`
	Properties  map[string]property `json:"properties"`
	Fields      map[string]property `json:"fields"`
}

// fields returns the types of all fields by their whole names.
func (t *template) fields() map[string]string {
	types := map[string]string{}
	var add func(prefix string, properties map[string]property)
	add = func(prefix string, properties map[string]property) {
		for name, p := range properties {
			types[prefix+name] = p.Type
			add(prefix+name+".", p.Properties)
			add(prefix+name+".", p.Fields)
		}
	}
	add("", t.Template.Mappings.Properties)
	return types
}

// policy is an index state management policy as the plugin's reference gives it, as far as actions
// and conditions are of use here (docs.opensearch.org, Index State Management, Policies).
type policy struct {
	Policy struct {
		Description  string `json:"description"`
		DefaultState string `json:"default_state"`
		States       []struct {
			Name    string `json:"name"`
			Actions []struct {
				Rollover *struct {
					MinIndexAge string `json:"min_index_age"`
					MinSize     string `json:"min_size"`
				} `json:"rollover"`
				Delete *struct{} `json:"delete"`
			} `json:"actions"`
			Transitions []struct {
				StateName  string `json:"state_name"`
				Conditions struct {
					MinIndexAge string `json:"min_index_age"`
				} `json:"conditions"`
			} `json:"transitions"`
		} `json:"states"`
		Template []struct {
			IndexPatterns []string `json:"index_patterns"`
			Priority      int      `json:"priority"`
		} `json:"ism_template"`
	} `json:"policy"`
}

var (
	age  = regexp.MustCompile(`^[1-9][0-9]*(d|h|m)$`)
	size = regexp.MustCompile(`^[1-9][0-9]*(gb|mb)$`)
)

// Every state of a policy is reached, and the last one deletes.
func TestPolicies(t *testing.T) {
	for name, text := range map[string][]byte{"indices": Policy, "streams": StreamPolicy} {
		p := strictly[policy](t, text).Policy
		reached, deletes := map[string]bool{p.DefaultState: true}, false
		for _, s := range p.States { // in the order in which they are entered
			if !reached[s.Name] {
				t.Errorf("%s: nothing leads to the state %s", name, s.Name)
			}
			for _, a := range s.Actions {
				deletes = deletes || a.Delete != nil
				if r := a.Rollover; r != nil &&
					(name != "streams" || !age.MatchString(r.MinIndexAge) ||
						!size.MatchString(r.MinSize)) {
					t.Errorf("%s: the state %s rolls over by %+v", name, s.Name, r)
				}
			}
			for _, next := range s.Transitions {
				reached[next.StateName] = true
				if !age.MatchString(next.Conditions.MinIndexAge) {
					t.Errorf("%s: from %s to %s at the age %q", name, s.Name, next.StateName,
						next.Conditions.MinIndexAge)
				}
			}
		}
		if !deletes || len(reached) != len(p.States) || len(p.Template) != 1 ||
			len(p.Template[0].IndexPatterns) != 2 {
			t.Errorf("%s: the policy is %+v", name, p)
		}
		for _, pattern := range p.Template[0].IndexPatterns {
			if name == "indices" && !strings.HasSuffix(pattern, "*-*") {
				t.Errorf("%s: %s takes indices without a date, into which the agent writes on",
					name, pattern)
			}
		}
	}
}

// saved is a saved object of OpenSearch Dashboards. Its attributes hold JSON in JSON.
type saved struct {
	ID               string            `json:"id"`
	Type             string            `json:"type"`
	MigrationVersion map[string]string `json:"migrationVersion"`
	Attributes       json.RawMessage   `json:"attributes"`
	References       []reference       `json:"references"`
}

type reference struct {
	Name string `json:"name"`
	Type string `json:"type"`
	ID   string `json:"id"`
}

type searchSource struct {
	Source string `json:"searchSourceJSON"`
}

type indexPattern struct {
	Title     string `json:"title"`
	TimeField string `json:"timeFieldName"`
}

type visualization struct {
	Title       string       `json:"title"`
	VisState    string       `json:"visState"`
	UIState     string       `json:"uiStateJSON"`
	Description string       `json:"description"`
	Version     int          `json:"version"`
	Meta        searchSource `json:"kibanaSavedObjectMeta"`
}

type visState struct {
	Title  string         `json:"title"`
	Type   string         `json:"type"`
	Params map[string]any `json:"params"`
	Aggs   []aggregation  `json:"aggs"`
}

type aggregation struct {
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"`
	Type    string `json:"type"`
	Schema  string `json:"schema"`
	Params  struct {
		Field    string `json:"field"`
		Size     int    `json:"size"`
		Order    string `json:"order"`
		OrderBy  string `json:"orderBy"`
		Interval string `json:"interval"`
		Filters  []struct {
			Input struct {
				Query    string `json:"query"`
				Language string `json:"language"`
			} `json:"input"`
			Label string `json:"label"`
		} `json:"filters"`
	} `json:"params"`
}

type dashboard struct {
	Title       string `json:"title"`
	Hits        int    `json:"hits"`
	Description string `json:"description"`
	Panels      string `json:"panelsJSON"`
	Options     string `json:"optionsJSON"`
	Version     int    `json:"version"`
	TimeRestore bool   `json:"timeRestore"`
	TimeFrom    string `json:"timeFrom"`
	TimeTo      string `json:"timeTo"`
	Refresh     struct {
		Pause bool `json:"pause"`
		Value int  `json:"value"`
	} `json:"refreshInterval"`
	Meta searchSource `json:"kibanaSavedObjectMeta"`
}

type panel struct {
	Version string `json:"version"`
	Grid    struct {
		X  int    `json:"x"`
		Y  int    `json:"y"`
		W  int    `json:"w"`
		H  int    `json:"h"`
		ID string `json:"i"`
	} `json:"gridData"`
	Index      string         `json:"panelIndex"`
	Embeddable map[string]any `json:"embeddableConfig"`
	Ref        string         `json:"panelRefName"`
}

// savedObjects reads the dashboard's file.
func savedObjects(t *testing.T) map[string]saved {
	t.Helper()
	objects := map[string]saved{}
	for line := range bytes.Lines(Dashboard) {
		o := strictly[saved](t, line)
		if _, twice := objects[o.ID]; twice || o.MigrationVersion[o.Type] == "" {
			t.Errorf("%s is there twice, or names no version of its form", o.ID)
		}
		objects[o.ID] = o
	}
	return objects
}

// Whatever an object refers to is in the file too.
func TestDashboardIsWhole(t *testing.T) {
	objects := savedObjects(t)
	for _, o := range objects {
		for _, r := range o.References {
			if objects[r.ID].Type != r.Type {
				t.Errorf("%s refers to the %s %s, which is not there", o.ID, r.Type, r.ID)
			}
		}
	}
	board := strictly[dashboard](t, objects["gusty"].Attributes)
	var panels []panel
	if err := json.Unmarshal([]byte(board.Panels), &panels); err != nil ||
		len(panels) != len(objects["gusty"].References) {
		t.Fatalf("%d panels, %v", len(panels), err)
	}
	for i, p := range panels {
		if !slices.ContainsFunc(objects["gusty"].References, func(r reference) bool {
			return r.Name == p.Ref && r.Type == "visualization"
		}) {
			t.Errorf("panel %s shows nothing", p.Index)
		}
		if p.Index != p.Grid.ID || p.Grid.X+p.Grid.W > 48 || p.Grid.W < 1 || p.Grid.H < 1 {
			t.Errorf("panel %s stands at %+v", p.Index, p.Grid)
		}
		for _, other := range panels[:i] {
			a, b := p.Grid, other.Grid
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %s and %s overlap", p.Index, other.Index)
			}
		}
	}
	strictly[struct {
		HideTitles bool `json:"hidePanelTitles"`
		Margins    bool `json:"useMargins"`
	}](t, []byte(board.Options))
}

// The visualizations ask for fields that the documents have, of a type that the aggregation takes.
func TestVisualizationsAskForWhatIsThere(t *testing.T) {
	objects := savedObjects(t)
	byPattern := map[string]map[string]string{}
	for _, text := range [][]byte{LogsTemplate, HealthTemplate} {
		of := strictly[template](t, text)
		byPattern[of.IndexPatterns[0]] = of.fields()
	}
	seen := 0
	for _, o := range objects {
		if o.Type != "visualization" {
			continue
		}
		seen++
		if len(o.References) != 1 || o.References[0].Type != "index-pattern" {
			t.Fatalf("%s refers to %+v", o.ID, o.References)
		}
		pattern := strictly[indexPattern](t, objects[o.References[0].ID].Attributes)
		fields := byPattern[pattern.Title]
		if fields[pattern.TimeField] != "date" {
			t.Errorf("%s has no template, or its time field %q is none", pattern.Title,
				pattern.TimeField)
		}
		v := strictly[visualization](t, o.Attributes)
		source := strictly[struct {
			Query struct {
				Query    string `json:"query"`
				Language string `json:"language"`
			} `json:"query"`
			Filter []any  `json:"filter"`
			Index  string `json:"indexRefName"`
		}](t, []byte(v.Meta.Source))
		if source.Index != o.References[0].Name {
			t.Errorf("%s takes its index from %q", o.ID, source.Index)
		}
		state := strictly[visState](t, []byte(v.VisState))
		if state.Title != v.Title || state.Type == "" {
			t.Errorf("%s is %q and %q of type %q", o.ID, v.Title, state.Title, state.Type)
		}
		requireAggregations(t, o.ID, &state, fields)
	}
	if seen < 4 {
		t.Errorf("%d visualizations", seen)
	}
}

func requireAggregations(t *testing.T, id string, state *visState, fields map[string]string) {
	t.Helper()
	schemas := map[string][]string{"metric": {"metric"}, "bucket": {"segment", "group", "split"}}
	if state.Type == "table" {
		schemas["bucket"] = []string{"bucket", "split"}
	}
	metrics := map[string]bool{}
	for _, a := range state.Aggs {
		kind, types := "bucket", []string(nil)
		switch a.Type {
		case "count":
			kind = "metric"
		case "avg", "sum", "min", "max":
			kind, types = "metric", []string{"date", "long", "integer", "float"}
		case "terms":
			types = []string{"keyword"}
		case "date_histogram":
			types = []string{"date"}
		case "filters":
			for _, f := range a.Params.Filters {
				field, _, _ := strings.Cut(f.Input.Query, " ")
				if fields[field] == "" || f.Input.Language != "kuery" {
					t.Errorf("%s: the filter %+v", id, f)
				}
			}
		default:
			t.Errorf("%s: the aggregation %q", id, a.Type)
		}
		metrics[a.ID] = kind == "metric"
		if !slices.Contains(schemas[kind], a.Schema) || types != nil &&
			!slices.Contains(types, fields[a.Params.Field]) {
			t.Errorf("%s: %s of %q (%s) as %q", id, a.Type, a.Params.Field, fields[a.Params.Field],
				a.Schema)
		}
	}
	for _, a := range state.Aggs {
		if a.Params.OrderBy != "" && !metrics[a.Params.OrderBy] {
			t.Errorf("%s: the order is by %q", id, a.Params.OrderBy)
		}
	}
}
