package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"gusty/messages"
)

// departTimeout is how long a follower may take for each piece once the server shuts down: one that
// does not read keeps nobody waiting.
const departTimeout = 3 * time.Second

// follow answers with what the follower gives, in chunks that go out one by one, until the run
// ends. The connection is closed behind it.
func (r *request) follow(follower messages.OutputFollower) error {
	write, media := r.chunkWriter()
	r.http.SetStatusCode(http.StatusOK)
	r.http.SetContentType(media)
	if r.http.IsHead() {
		follower.Close()
		return nil
	}
	select {
	case r.server.follows <- struct{}{}:
	default:
		follower.Close()
		return messages.Errorf(messages.CodeBusy,
			"%d clients follow runs, which is all that can at a time; nothing was done",
			cap(r.server.follows))
	}
	body := &followBody{server: r.server, conn: r.http.Conn(), follower: follower, write: write}
	if media == mediaNDJSON {
		body.quiet = r.server.limits.QuietTimeout
	}
	body.begin()
	r.http.SetConnectionClose()
	r.http.Response.ImmediateHeaderFlush = true
	r.http.SetBodyStream(body, -1)
	return nil
}

// followBody is the body of an answer that follows a run. fasthttp reads from it on the
// connection's goroutine and sends each piece at once; a client that takes its time holds up
// nothing but that.
type followBody struct {
	server   *Server
	conn     net.Conn
	follower messages.OutputFollower
	write    func(io.Writer, messages.OutputChunk) error
	quiet    time.Duration // after which a blank line is sent; 0: never
	due      time.Time     // of the next blank line
	chunk    messages.OutputChunk
	piece    bytes.Buffer // a part of the chunk, in the form that was asked for

	ctx    context.Context // ends when the client has left, or the server waits no longer
	cancel context.CancelFunc
	stay   func() bool // undoes what hurries the client at a shutdown
}

func (b *followBody) begin() {
	b.ctx, b.cancel = context.WithCancel(b.server.ctx)
	b.stay = context.AfterFunc(b.server.leave, b.allow)
	b.due = time.Now().Add(b.quiet)
	go b.watch()
}

// watch notices that the client has left, by its word or by TCP's keep-alive: nobody else reads
// from the connection, which serves no other request. It ends with the connection.
func (b *followBody) watch() {
	defer b.cancel()
	if b.conn.SetReadDeadline(time.Time{}) == nil {
		_, _ = io.Copy(io.Discard, b.conn)
	}
}

// Read returns a part of the present piece, or waits for the next one.
func (b *followBody) Read(p []byte) (int, error) {
	for b.piece.Len() == 0 {
		if err := b.next(); err != nil {
			b.allow()
			return 0, err
		}
	}
	b.allow()
	b.due = time.Now().Add(b.quiet)
	return b.piece.Read(p)
}

// next fills piece; it stays empty where the chunk is of a stream that was not asked for.
func (b *followBody) next() error {
	if len(b.chunk.Data) > 0 {
		return b.form()
	}
	ctx, cancel := b.ctx, context.CancelFunc(func() {})
	if b.quiet > 0 {
		ctx, cancel = context.WithDeadline(b.ctx, b.due)
	}
	defer cancel()
	chunk, err := b.follower.Next(ctx)
	switch {
	case err == nil:
		b.chunk = chunk
		return b.form()
	case errors.Is(err, context.DeadlineExceeded) && b.ctx.Err() == nil:
		return b.piece.WriteByte('\n')
	default:
		return err
	}
}

// formBytes is how much of a chunk is put into its form at a time: in NDJSON it can take six times
// as much, and that for every follower.
const formBytes = 4 << 10

func (b *followBody) form() error {
	part := b.chunk
	n := cutText(part.Data, formBytes)
	part.Data, b.chunk.Data = part.Data[:n], part.Data[n:]
	return b.write(&b.piece, part)
}

// cutText returns how many of the first most bytes are whole characters, as far as these are UTF-8.
func cutText(data []byte, most int) int {
	if len(data) <= most {
		return len(data)
	}
	for n := most; n > most-utf8.UTFMax; n-- {
		if utf8.RuneStart(data[n]) {
			return n
		}
	}
	return most
}

// allow sets the client's time for what is sent next.
func (b *followBody) allow() {
	within := b.server.limits.StreamTimeout
	if b.server.leave.Err() != nil {
		within = departTimeout
	}
	// a connection that is closed already tells so by the write
	_ = b.conn.SetWriteDeadline(time.Now().Add(within))
	if within != departTimeout && b.server.leave.Err() != nil {
		b.allow()
	}
}

// Close ends the following, also when the client has left, and gives the place back.
func (b *followBody) Close() error {
	b.stay()
	b.cancel()
	b.follower.Close()
	<-b.server.follows
	return nil
}
