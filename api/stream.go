package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"gusty/messages"
)

// promptBytes is how much of an output is read before the answer begins: one that fits is sent
// whole, with its length, and a store that fails at once still gets its 500.
const promptBytes = 32 << 10

func getOutput(r *request) error {
	id, err := r.runID()
	if err != nil {
		return err
	}
	output, err := ask[messages.RunOutput](r, messages.GetOutput{
		ID:     id,
		Follow: r.queryBool("follow"),
	})
	if err != nil {
		return err
	}
	if output.Follower != nil {
		return r.follow(output.Follower)
	}
	writer, media := r.chunkWriter()
	return r.stream(media, func(w io.Writer) error {
		err := output.Each(func(c messages.OutputChunk) error { return writer(w, c) })
		if media == mediaText && messages.CodeOf(err) == messages.CodeStorageDamaged {
			// before the connection is broken off
			_, _ = fmt.Fprintf(w, "\n[gusty: %s]\n", messages.AsError(err).Message)
		}
		return err
	})
}

// chunkWriter returns what writes one chunk, in the form that was asked for and of the stream that
// was asked for.
func (r *request) chunkWriter() (write func(io.Writer, messages.OutputChunk) error, media string) {
	write, media = writeText, mediaText
	if r.queryText("format") == "ndjson" {
		write, media = writeNDJSON, mediaNDJSON
	}
	form, wanted := write, r.queryText("stream")
	return func(w io.Writer, c messages.OutputChunk) error {
		if wanted != "all" && c.Stream.String() != wanted {
			return nil
		}
		return form(w, c)
	}, media
}

// writeText writes the bytes as they were printed. Where some were left out, a line says so.
func writeText(w io.Writer, c messages.OutputChunk) error {
	if c.Skipped > 0 {
		_, err := fmt.Fprintf(w, "\n[gusty: %d bytes left out]\n", c.Skipped)
		return err
	}
	_, err := w.Write(c.Data)
	return err
}

// outputLine is one line of NDJSON output. Of text, base64 and skipped it has exactly one.
type outputLine struct {
	Stream  string  `json:"stream" schema:"enum=stdout|stderr"`
	At      string  `json:"at" schema:"format=date-time"`
	Text    *string `json:"text,omitempty"`
	Base64  []byte  `json:"base64,omitempty"` // where the bytes are not UTF-8
	Skipped int64   `json:"skipped,omitempty"`
}

func writeNDJSON(w io.Writer, c messages.OutputChunk) error {
	line := outputLine{Stream: c.Stream.String(), At: timeText(c.At), Skipped: c.Skipped}
	switch {
	case c.Skipped > 0:
	case utf8.Valid(c.Data):
		text := string(c.Data)
		line.Text = &text
	default:
		line.Base64 = c.Data
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(line)
}

// stream answers with what produce writes. Where that is short it is the body; else it goes out in
// chunks while produce goes on, and an error in the middle breaks the connection off, so that no
// client takes a part for the whole.
func (r *request) stream(media string, produce func(io.Writer) error) error {
	return r.streamWithin(0, media, produce)
}

// streamWithin is stream for what others wait for: a client that takes nothing for as long as stall
// is cut off; 0: it is not.
func (r *request) streamWithin(stall time.Duration, media string,
	produce func(io.Writer) error,
) error {
	select {
	case r.server.streams <- struct{}{}:
	default:
		return messages.Busy("the output of runs")
	}
	reader, writer := io.Pipe()
	go r.server.produce(writer, produce)
	first := make([]byte, promptBytes)
	n, err := io.ReadFull(reader, first)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.bytes(media, first[:n])
	}
	if err != nil {
		return err
	}
	r.http.SetStatusCode(http.StatusOK)
	r.http.SetContentType(media)
	if r.http.IsHead() {
		return reader.Close()
	}
	r.http.SetBodyStream(&outputBody{
		Reader: io.MultiReader(bytes.NewReader(first), reader), pipe: reader,
		conn: r.http.Conn(), stall: stall, until: r.start.Add(r.server.limits.StreamTimeout),
	}, -1)
	return nil
}

// outputBody ends its producer when fasthttp closes it, also when the client has left.
type outputBody struct {
	io.Reader
	pipe  *io.PipeReader
	conn  net.Conn
	stall time.Duration
	until time.Time // of the whole
}

// Read returns the next piece, and from then on the client its time for it: fasthttp sends each
// before it asks for the next one.
func (b *outputBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.stall > 0 {
		deadline := time.Now().Add(b.stall)
		if deadline.After(b.until) {
			deadline = b.until
		}
		// a connection that is closed already tells so by the write
		_ = b.conn.SetWriteDeadline(deadline)
	}
	return n, err
}

// Close tells the producer that nobody reads on.
func (b *outputBody) Close() error { return b.pipe.Close() }

// produce runs on a goroutine of its own, ends with the pipe, and gives the place of the stream
// back.
func (s *Server) produce(w *io.PipeWriter, produce func(io.Writer) error) {
	defer func() { <-s.streams }()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic while output was written", "panic", p, "stack",
				string(debug.Stack()))
			w.CloseWithError(fmt.Errorf("panic: %v", p))
		}
	}()
	buffered := bufio.NewWriterSize(w, 4096)
	err := produce(buffered)
	if unsent := buffered.Flush(); err == nil {
		err = unsent
	}
	w.CloseWithError(err) // nil is the end of the output
}
