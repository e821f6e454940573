//go:build !faults

package actors

import "github.com/asynkron/protoactor-go/actor"

// asBuilt is how Start spawns an actor: as it is. A build with the tag faults puts something
// between (faults_on.go), for tests of the process.
func asBuilt(_ string, p actor.Producer) actor.Producer { return p }
