package archtest

import "slices"

// The libraries that more than one wall names.
const (
	actorLibrary  = "github.com/asynkron/protoactor-go/..."
	httpLibrary   = "github.com/valyala/fasthttp/..."
	routerLibrary = "github.com/fasthttp/router/..."
	sqliteLibrary = "modernc.org/sqlite/..."
	storeLibrary  = "go.etcd.io/bbolt/..."
	argonLibrary  = "golang.org/x/crypto/argon2" // makes a key of the store's passphrase
	systemLibrary = "golang.org/x/sys/..."
	uuidLibrary   = "github.com/google/uuid"
	bcryptLibrary = "golang.org/x/crypto/bcrypt"
	quoteLibrary  = "github.com/kballard/go-shellquote"
	pflagLibrary  = "github.com/spf13/pflag"
	yamlLibrary   = "gopkg.in/yaml.v3"
)

// Walls are the walls of this repository.
func Walls() []Wall {
	return slices.Concat(houses(), layersOfTheStore(), roomsOfTheCommandLine(), leaves(),
		programs())
}

// houses are the walls between the large parts.
func houses() []Wall {
	return []Wall{{
		Around: []string{"gusty/messages"},
		Only:   []string{Standard},
		Reason: "messages is the vocabulary that every part speaks: it must depend on none of " +
			"them, and on no library",
	}, {
		Around: []string{"gusty/messages/table/..."},
		Only:   []string{Standard, "gusty/messages"},
		Reason: "how rows are written out is a matter of the standard library, too",
	}, {
		Around: []string{"gusty/actors/..."},
		Only: []string{
			Standard, "gusty/messages/...", "gusty/internal/...", actorLibrary,
			uuidLibrary, quoteLibrary,
		},
		Reason: "an actor declares the narrow interface of the store it needs and knows nothing " +
			"of HTTP; cmd/gustyd/wire.go joins them",
	}, {
		Around: []string{"gusty/api/..."},
		Only: []string{
			Standard, "gusty/messages/...", "gusty/transfer", "gusty/internal/...", httpLibrary,
			routerLibrary, bcryptLibrary, quoteLibrary,
		},
		Reason: "the API gets one Ask function and sees neither an actor nor the store; " +
			"cmd/gustyd/wire.go joins them",
	}, {
		Around: []string{"gusty/transfer/..."},
		Only: []string{
			Standard, "gusty/messages/...", "gusty/internal/...", bcryptLibrary,
			quoteLibrary,
		},
		Reason: "the rules of an import look at rows alone, so that the agent and gustyctl can " +
			"go by the same ones",
	}, {
		Around: []string{"gusty/persistence"},
		Only: []string{
			Standard, "gusty/messages/...", "gusty/internal/...", "gusty/persistence/internal/...",
			storeLibrary, systemLibrary,
		},
		Reason: "the store knows rows and no actor; what it needs of other parts comes in as a " +
			"message or a function",
	}, {
		Around: []string{"gusty/..."},
		Except: []string{
			"gusty/persistence/sqlite/...", "gusty/cmd/gustyctl/...",
			"gusty/test/...",
		},
		NotDirectly: []string{sqliteLibrary, "gusty/persistence/sqlite/..."},
		Reason: "SQLite is for import and export: gustyctl alone links it, and the daemon " +
			"stays small",
	}, {
		Around: []string{"gusty/..."},
		Except: []string{"gusty/test/..."},
		NotDirectly: []string{
			"testing/...", "gusty/test/...", "github.com/getkin/kin-openapi/...",
			"pgregory.net/rapid/...",
			"github.com/rogpeppe/go-internal/...", "github.com/prometheus/common/...",
		},
		Reason: "this is for tests alone: a file that is not a test must not import it",
	}}
}

// layersOfTheStore are the walls between the packages below persistence: each knows those under it.
func layersOfTheStore() []Wall {
	const room = "gusty/persistence/internal/"
	layer := func(name, reason string, below ...string) Wall {
		only := []string{
			Standard, "gusty/messages/...", "gusty/internal/...", storeLibrary, systemLibrary,
		}
		for _, one := range below {
			only = append(only, room+one)
		}
		return Wall{Around: []string{room + name + "/..."}, Only: only, Reason: reason}
	}
	keys := layer("keyring", "keys are made and kept without a look at rows",
		"format", "boltfile", "datadir")
	keys.Only = append(keys.Only, argonLibrary)
	const onClosed = "it works on a closed file, so that no open store is needed for a damaged one"
	return []Wall{
		layer("boltfile", "pages are read and written without a thought of what they hold"),
		layer("datadir", "the directory is locked and put in order before a file is opened"),
		layer("format", "records are bytes: nothing here seals, opens or stores them",
			"boltfile", "datadir"),
		keys,
		layer("verify", onClosed, "keyring", "format", "boltfile", "datadir"),
		layer("salvage", onClosed, "verify", "keyring", "format", "boltfile", "datadir"),
		layer("compact", onClosed, "verify", "keyring", "format", "boltfile", "datadir"),
	}
}

// roomsOfTheCommandLine are the walls below gustyctl.
func roomsOfTheCommandLine() []Wall {
	const below = "gusty/cmd/gustyctl/internal/"
	return []Wall{{
		Around: []string{below + "exit/..."},
		Only:   []string{Standard},
		Reason: "an exit code is the same whatever command it ends",
	}, {
		Around: []string{below + "term/..."},
		Only:   []string{Standard, pflagLibrary},
		Reason: "how a quantity is read and shown does not depend on what it is one of",
	}, {
		Around: []string{below + "jobfile/..."},
		Only: []string{
			Standard, "gusty/messages", "gusty/internal/...", below + "exit", below + "term",
			pflagLibrary, yamlLibrary, quoteLibrary,
		},
		Reason: "a job's file is read without an agent",
	}}
}

// leaves are the walls around the leaf packages.
func leaves() []Wall {
	const reason = "a leaf is usable alone: it imports the standard library, other leaves, and " +
		"one library of its own"
	owns := func(leaf string, libraries ...string) Wall {
		only := append([]string{Standard, "gusty/internal/...", systemLibrary}, libraries...)
		return Wall{Around: []string{leaf}, Only: only, Reason: reason}
	}
	others := owns("gusty/internal/...")
	others.Except = []string{
		"gusty/internal/cron/...", "gusty/internal/hostinfo/...",
		"gusty/internal/opensearch/...",
	}
	return []Wall{
		owns("gusty/internal/cron/...", "github.com/robfig/cron/v3"),
		owns("gusty/internal/hostinfo/...", "github.com/shirou/gopsutil/v3/..."),
		owns("gusty/internal/opensearch/...", httpLibrary),
		others,
	}
}

// programs are the walls around what is linked into a program.
func programs() []Wall {
	return []Wall{{
		Around: []string{"gusty/cmd/gustyd"},
		Never: []string{
			"github.com/spf13/cobra/...", "gopkg.in/yaml.v3/...", sqliteLibrary,
			"github.com/getkin/kin-openapi/...",
			"github.com/VictoriaMetrics/metrics/...", "google.golang.org/grpc/...",
			"go.opentelemetry.io/otel/exporters/otlp/...",
		},
		Reason: "the daemon's size is a feature: this has no work in it",
	}, {
		Around: []string{"gusty/cmd/gustyd"},
		Never:  []string{"text/template", "html/template", "plugin"},
		Reason: "it calls methods by name, which makes the linker keep every exported method of " +
			"every type",
	}, {
		Around: []string{"gusty/cmd/gustyd", "gusty/cmd/gustyctl"},
		Never:  []string{"testing/...", "net/http/pprof"},
		Reason: "it puts flags or routes of a test or a debugger into what is shipped",
	}, {
		Around: []string{"gusty/cmd/gustyctl"},
		Never: []string{
			actorLibrary, httpLibrary, routerLibrary, "gusty/actors/...",
			"gusty/api/...",
		},
		Reason: "the command line is a client of the REST interface, like any other",
	}}
}
