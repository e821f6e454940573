// Package transfer holds the rules of an import: what a row must be to come in, what is changed on
// the way, and which of several rows of one name counts. The agent (POST /agent/import) and the
// command line on a stopped agent's store go by the same ones.
//
// The package looks at rows alone. What depends on what is stored (whether a job is new, that a
// user who is there stays) is decided by the store, inside the transaction of the import.
package transfer
