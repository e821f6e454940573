//go:build faults

package actors

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/asynkron/protoactor-go/actor"
)

// faultsVariable names the directory in which a test asks for panics: while it holds a file with an
// actor's name, each message of that actor panics, and with "once" in the file only the next.
const faultsVariable = "GUSTY_FAULTS"

// asBuilt makes the actor fail when a test asks for it. This is no part of a release: only -tags
// faults compiles it.
func asBuilt(name string, p actor.Producer) actor.Producer {
	dir := os.Getenv(faultsVariable)
	return func() actor.Actor { return &faulty{Actor: p(), file: filepath.Join(dir, name)} }
}

type faulty struct {
	actor.Actor
	file string
}

// Receive panics, or hands the message on.
func (f *faulty) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		// never a panic there: it is not what a fault looks like to a supervisor
	default:
		f.fail(ctx.Message())
	}
	f.Actor.Receive(ctx)
}

func (f *faulty) fail(message any) {
	text, err := os.ReadFile(f.file)
	if err != nil {
		return
	}
	if string(text) == "once" && os.Remove(f.file) != nil {
		return // another message was faster
	}
	panic(fmt.Sprintf("injected by a test, on %T", message))
}
