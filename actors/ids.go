package actors

import "github.com/google/uuid"

// newID makes the id of a run or a document: a UUIDv7 (RFC 9562), so that the order of ids is that of their making. A random source that does
// not answer is a reason to fail loudly: ids must not repeat.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
