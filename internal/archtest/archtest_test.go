package archtest

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWallsHold(t *testing.T) {
	readSources(t, "../..")
	for _, system := range []string{"linux", "windows"} {
		t.Run(system, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			graph, err := Load(ctx, "../..", system)
			if err != nil {
				t.Fatal(err)
			}
			for _, sentence := range Check(graph, Walls()) {
				t.Error(sentence)
			}
			for _, pattern := range Unmatched(graph, Walls()) {
				t.Errorf("the wall around %s is around nothing: was the package renamed?", pattern)
			}
		})
	}
}

// readSources lists every directory of the repository: what a test reads becomes part of the key
// under which the go command caches its result, and what go list reads does not. Without it, a
// wrong import could hide behind a cached pass.
func readSources(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryWallSaysWhy(t *testing.T) {
	for _, wall := range Walls() {
		if len(wall.Around) == 0 || wall.Reason == "" || wall.Only == nil && len(wall.NotDirectly)+
			len(wall.Never) == 0 {
			t.Errorf("a wall that is around nothing, forbids nothing or does not say why: %+v",
				wall)
		}
	}
}

// fake builds a graph of lines "importer: imported imported"; what has no dot in its first element
// and is not gusty is the standard library.
func fake(lines ...string) Graph {
	graph := Graph{}
	for _, line := range lines {
		path, imports, _ := strings.Cut(line, ":")
		p := Package{ImportPath: path, Imports: strings.Fields(imports)}
		for _, path := range append(p.Imports, path) {
			first, _, _ := strings.Cut(path, "/")
			if _, known := graph[path]; !known {
				graph[path] = Package{
					ImportPath: path,
					Standard:   !strings.Contains(first, ".") && first != "gusty",
				}
			}
		}
		p.Standard = graph[path].Standard
		graph[path] = p
	}
	return graph
}

// Each wrong import is caught by the walls of this repository, and named.
func TestWrongImportsAreCaught(t *testing.T) {
	for name, c := range map[string]struct {
		graph Graph
		want  string // the beginning of the only sentence
	}{
		"a library in messages":        {fake("gusty/messages: fmt example.com/x"), "gusty/messages imports example.com/x: "},
		"a leaf in messages":           {fake("gusty/messages: gusty/internal/cron"), "gusty/messages imports gusty/internal/cron: "},
		"the store in an actor":        {fake("gusty/actors: gusty/persistence"), "gusty/actors imports gusty/persistence: "},
		"HTTP in an actor":             {fake("gusty/actors/sub: github.com/valyala/fasthttp"), "gusty/actors/sub imports github.com/valyala/fasthttp: "},
		"an actor in the API":          {fake("gusty/api: gusty/actors"), "gusty/api imports gusty/actors: "},
		"the actor library in the API": {fake("gusty/api: github.com/asynkron/protoactor-go/actor"), "gusty/api imports github.com/asynkron"},
		"the store in the API":         {fake("gusty/api: go.etcd.io/bbolt"), "gusty/api imports go.etcd.io/bbolt: "},
		"an actor in the store":        {fake("gusty/persistence: gusty/actors"), "gusty/persistence imports gusty/actors: "},
		"a table in messages":          {fake("gusty/messages: gusty/messages/table"), "gusty/messages imports gusty/messages/table: "},
		"an agent in a job's file":     {fake("gusty/cmd/gustyctl/internal/jobfile: gusty/persistence"), "gusty/cmd/gustyctl/internal/jobfile imports gusty/persistence: "},
		"keys in the format":           {fake("gusty/persistence/internal/format: gusty/persistence/internal/keyring"), "gusty/persistence/internal/format imports gusty/persistence/internal/keyring: "},
		"the store in a layer of it":   {fake("gusty/persistence/internal/verify: gusty/persistence"), "gusty/persistence/internal/verify imports gusty/persistence: "},
		"messages in a leaf":           {fake("gusty/internal/cron: gusty/messages"), "gusty/internal/cron imports gusty/messages: "},
		"another leaf's library":       {fake("gusty/internal/cron: github.com/shirou/gopsutil/v3/cpu"), "gusty/internal/cron imports github.com/shirou"},
		"a library in a new leaf":      {fake("gusty/internal/new: example.com/x"), "gusty/internal/new imports example.com/x: "},
		"a test library in the API":    {fake("gusty/cmd/gustyctl: github.com/getkin/kin-openapi/openapi3"), "gusty/cmd/gustyctl imports github.com/getkin"},
		"SQLite in the daemon's wires": {fake("gusty/cmd/gustyd: gusty/persistence/sqlite"), "gusty/cmd/gustyd imports gusty/persistence/sqlite: "},
		"templates far below": {
			fake("gusty/cmd/gustyd: example.com/x", "example.com/x: example.com/y fmt",
				"example.com/y: text/template"),
			"gusty/cmd/gustyd imports example.com/x imports example.com/y imports text/template: ",
		},
		"testing far below": {fake("gusty/cmd/gustyctl: example.com/x", "example.com/x: testing/fstest"), "gusty/cmd/gustyctl imports example.com/x imports testing/fstest: "},
		"the server's library in the client": {
			fake("gusty/cmd/gustyctl: gusty/x",
				"gusty/x: github.com/valyala/fasthttp/fasthttputil"),
			"gusty/cmd/gustyctl imports gusty/x imports github.com/valyala/fasthttp/fasthttputil: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Check(c.graph, Walls())
			if len(got) != 1 || !strings.HasPrefix(got[0], c.want) || len(got[0]) < len(c.want)+20 {
				t.Errorf("got %q, want one sentence that begins with %q and gives a reason", got,
					c.want)
			}
		})
	}
}

func TestRightImportsPass(t *testing.T) {
	graph := fake(
		"gusty/messages: fmt net/url",
		"gusty/messages/table: gusty/messages",
		"gusty/actors: gusty/messages gusty/internal/cron github.com/asynkron/protoactor-go/actor",
		// what a library needs is its own affair, unless it is forbidden
		"github.com/asynkron/protoactor-go/actor: net/http",
		"net/http: testing", // and so is what the standard library needs
		"gusty/api: gusty/messages gusty/transfer github.com/valyala/fasthttp",
		"gusty/transfer: gusty/messages gusty/internal/cron github.com/kballard/go-shellquote "+
			"golang.org/x/crypto/bcrypt",
		"gusty/persistence: gusty/messages go.etcd.io/bbolt golang.org/x/sys/unix",
		"gusty/persistence/internal/boltfile: go.etcd.io/bbolt",
		"gusty/persistence/internal/datadir: golang.org/x/sys/unix",
		"gusty/persistence/internal/format: gusty/persistence/internal/boltfile",
		"gusty/persistence/internal/keyring: gusty/persistence/internal/format "+
			"golang.org/x/crypto/argon2",
		"gusty/persistence/internal/verify: gusty/persistence/internal/keyring",
		"gusty/persistence/internal/salvage: gusty/persistence/internal/verify",
		"gusty/persistence/internal/compact: gusty/persistence/internal/verify",
		"gusty/persistence/sqlite: gusty/messages modernc.org/sqlite",
		"gusty/cmd/gustyctl/internal/exit: fmt",
		"gusty/cmd/gustyctl/internal/term: github.com/spf13/pflag",
		"gusty/cmd/gustyctl/internal/jobfile: gusty/cmd/gustyctl/internal/exit gopkg.in/yaml.v3",
		"gusty/internal/cron: github.com/robfig/cron/v3 gusty/internal/atomicfile",
		"gusty/internal/opensearch: github.com/valyala/fasthttp",
		"gusty/cmd/gustyd: gusty/api gusty/actors gusty/persistence",
		"gusty/cmd/gustyctl: gusty/persistence/sqlite github.com/spf13/cobra",
		"gusty/test/agent: testing github.com/getkin/kin-openapi/openapi3",
	)
	if got := Check(graph, Walls()); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	if got := Unmatched(graph, Walls()); !slices.Equal(got,
		[]string{"gusty/internal/hostinfo/..."}) {
		t.Errorf("unmatched: %q", got)
	}
}

func TestDecodeRefusesWhatIsNoAnswer(t *testing.T) {
	if _, err := decode(strings.NewReader(`{"ImportPath":"a","Imports":["b"]}{"ImportPath":`)); err == nil {
		t.Error("an answer that was cut short was taken")
	}
}
