package messages

import (
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		name, value, want string
		bad               bool
	}{
		{ParamServerPort, "443", "443", false},
		{ParamServerPort, "0443", "443", false},
		{ParamServerPort, "0", "", true},
		{ParamServerPort, "65536", "", true},
		{ParamServerPort, "http", "", true},
		{ParamServerPort, "", "", false},
		{ParamAutoUpgrade, "true", "1", false},
		{ParamAutoUpgrade, "FALSE", "0", false},
		{ParamAutoUpgrade, "yes", "", true},
		{ParamLogLevel, "Debug", "debug", false},
		{ParamLogLevel, "verbose", "", true},
		{ParamEndpoint, "https://search.example:9200,https://b.example", "https://search.example:9200,https://b.example", false},
		{ParamEndpoint, "search.example:9200", "", true},
		{ParamEndpoint, "https://user:pass@search.example", "", true},
		{ParamHealthIndex, "Health", "", true},
		{ParamLabels, "site=a,rack=7", "site=a,rack=7", false},
		{ParamLabels, "site", "", true},
		{ParamLabels, "a=1,a=2", "", true},
		{ParamLabels, "a.b=1,a.c=2,ab=3", "a.b=1,a.c=2,ab=3", false},
		{ParamLabels, "a=1,a.b=2", "", true},
		{ParamLabels, "a.b.c=1,x=1,a.b=2", "", true},
		{ParamLabels, "a.=1", "", true},
		{ParamLabels, ".=1", "", true},
		{ParamLabels, ".a=1", "", true},
		{ParamLabels, "a..b=1", "", true},
		{ParamLabels, "a. .b=1", "", true},
		{ParamLabels, strings.Repeat("a.", 10) + "b=1", "", true},
		{ParamHealthIndex, "x-%{+yyyy.MM.dd-5}", "x-%{+yyyy.MM.dd-5}", false},
		{ParamHealthIndex, "x-%{+yyyy", "", true},
		{ParamHealthIndex, "x-%{foo}", "", true},
		{ParamHealthIndex, "x-%{+foo}", "", true},
		{ParamHealthIndex, "x-%{+yyyy.ww}", "", true},
		{ParamHealthIndex, "x-%{+yyyy}-%{+MM}", "", true},
		{ParamHealthIndex, "x-%{+.-}", "", true},
		{ParamEndpoint, "https://search.example:99999", "", true},
		{ParamEndpoint, "https://search.example:0", "", true},
		{ParamEndpoint, "https://search.example:", "", true},
		{ParamEndpoint, "https://search.example/?x=1", "", true},
		{ParamEndpoint, "https://search.example/?", "", true},
		{ParamEndpoint, "https://search.example/path#a", "", true},
		{ParamEndpoint, "https://search.example/path", "https://search.example/path", false},
		{ParamEndpoint, "https://[::1]:9200", "https://[::1]:9200", false},
		{ParamLoggingFileName, "agent.log", "agent.log", false},
		{ParamLoggingFileName, "../../etc/cron.d/x", "", true},
		{ParamIPAddr, "::1", "::1", false},
		{ParamIPAddr, "localhost", "", true},
		{ParamAutoupgradeCheck, "a\nb", "", true},
	} {
		p, ok := FindParameter(c.name)
		if !ok {
			t.Fatalf("there is no parameter %s", c.name)
		}
		got, err := p.Normalize(c.value)
		if (err != nil) != c.bad || got != c.want && !c.bad {
			t.Errorf("%s=%q: got %q, %v", c.name, c.value, got, err)
		}
		if e := AsError(err); err != nil && (e == nil || e.Field != c.name) {
			t.Errorf("%s=%q: the error does not name the parameter: %v", c.name, c.value, err)
		}
	}
}

func TestEveryDefaultIsValid(t *testing.T) {
	for _, p := range Parameters() {
		if got, err := p.Normalize(p.Default); err != nil || got != p.Default {
			t.Errorf("%s: the default %q gives %q, %v", p.Name, p.Default, got, err)
		}
	}
}

func TestEffectiveValue(t *testing.T) {
	c := NewConfig(1, []StoredParameter{
		{Name: ParamServerPort, Global: "1000", Local: "2000"},
		{Name: ParamMemoryLimit, Global: "not a number"},
		{Name: ParamLogLevel, Global: "debug"},
	})
	if got := c.Int(ParamServerPort); got != 2000 {
		t.Errorf("the local value does not come first: %d", got)
	}
	if got := c.Int(ParamMemoryLimit); got != 102400 {
		t.Errorf("a stored text that is no number does not give the default: %d", got)
	}
	if c.Text(ParamLogLevel) != "debug" || c.Text(ParamOrphanPolicy) != "kill" {
		t.Error("the global value, or the default of a parameter without a row, is not effective")
	}
	next := c.With(2, map[string]string{ParamServerPort: ""})
	if next.Int(ParamServerPort) != 1000 || c.Int(ParamServerPort) != 2000 {
		t.Error("With does not give a new snapshot, or changes the old one")
	}
}
