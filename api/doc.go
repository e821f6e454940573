// Package api answers Gusty's REST routes over HTTPS.
//
// A request goes one way: the listener counts and caps connections below TLS, fasthttp parses, the
// one route table (routes.go) tells what the route needs, authenticate.go decides who asks,
// query.go and decode.go check what was sent against the same table that the OpenAPI document is
// made from, the route's function turns it into a message, Ask carries that to the actor, and
// respond.go turns the reply or the error into a status and a body. The package sees no actor and
// no store: it gets one Asker and a few functions that give immutable snapshots.
//
// What fasthttp lends (paths, headers, bodies) dies when a handler returns. Everything that goes
// into a message is a copy.
package api
