package messages

import "context"

// OutputFollower reads the output of a run along, from its beginning to the end of the run. It
// belongs to one goroutine.
type OutputFollower interface {
	// Next waits for the next chunk, whose Data is valid until the next call. io.EOF: the run has
	// ended, or will not start any more, and all was given. After ctx's error nothing is lost, and
	// Next may be called again.
	Next(ctx context.Context) (OutputChunk, error)
	// Close releases what the follower holds. It must be called.
	Close()
}
