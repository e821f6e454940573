package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gusty/messages"
)

// fakeFollower returns what is sent to it, until its channel is closed.
type fakeFollower struct {
	chunks chan messages.OutputChunk
	closed atomic.Bool
	gone   chan struct{} // closed by Close
}

func newFakeFollower() *fakeFollower {
	return &fakeFollower{chunks: make(chan messages.OutputChunk), gone: make(chan struct{})}
}

// Next implements messages.OutputFollower.
func (f *fakeFollower) Next(ctx context.Context) (messages.OutputChunk, error) {
	select {
	case c, ok := <-f.chunks:
		if !ok {
			return c, io.EOF
		}
		return c, nil
	case <-ctx.Done():
		return messages.OutputChunk{}, ctx.Err()
	}
}

// Close implements messages.OutputFollower.
func (f *fakeFollower) Close() {
	if f.closed.CompareAndSwap(false, true) {
		close(f.gone)
	}
}

func (f *fakeFollower) print(stream messages.Stream, text string) {
	f.chunks <- messages.OutputChunk{Stream: stream, At: time.Unix(0, 0), Data: []byte(text)}
}

// startFollowed runs a server whose one run is under way.
func startFollowed(t *testing.T, change func(*Options)) (*harness, *fakeFollower) {
	t.Helper()
	h, f := start(t, change), newFakeFollower()
	h.agent.replace = func(msg any) (any, bool) {
		m, ok := msg.(messages.GetOutput)
		if !ok || !m.Follow {
			return nil, false
		}
		return messages.RunOutput{Follower: f}, true
	}
	return h, f
}

const followPath = "/agent/runs/" + runID + "/output?follow=true"

// followWith begins a request that follows the run.
func (h *harness) followWith(query string) *http.Response {
	h.t.Helper()
	response, err := h.client.Do(h.request("GET", followPath+query, ""))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func (f *fakeFollower) awaitClose(t *testing.T) {
	t.Helper()
	select {
	case <-f.gone:
	case <-time.After(10 * time.Second):
		t.Error("the follower was not closed")
	}
}

func TestFollowGivesEachPieceAtOnce(t *testing.T) {
	h, f := startFollowed(t, nil)
	response := h.followWith("&stream=stdout") // answers before anything is printed
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != mediaText {
		t.Error(response.Status, response.Header)
	}
	f.print(messages.Stdout, "one")
	three := make([]byte, 3)
	if _, err := io.ReadFull(response.Body, three); err != nil || string(three) != "one" {
		t.Errorf("%q, %v", three, err)
	}
	f.print(messages.Stderr, "not this")
	f.print(messages.Stdout, "\xff two")
	close(f.chunks)
	if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "\xff two" {
		t.Errorf("%q, %v", rest, err)
	}
	f.awaitClose(t)
}

func TestFollowOfAnEndedRunIsItsOutput(t *testing.T) {
	h := start(t, nil)
	h.do("GET", followPath+"&stream=stderr", "").want(t, 200, "\xff")
	h.do("GET", "/agent/runs/"+runID+"/output?follow=yes", "").wantError(t, 400,
		messages.CodeBadQuery, "follow")
}

func TestQuietFollowGetsBlankLines(t *testing.T) {
	h, f := startFollowed(t, func(o *Options) { o.Limits.QuietTimeout = 10 * time.Millisecond })
	lines := bufio.NewScanner(h.followWith("&format=ndjson").Body)
	if !lines.Scan() || lines.Text() != "" || !lines.Scan() || lines.Text() != "" {
		t.Errorf("%q, %v", lines.Text(), lines.Err())
	}
	f.print(messages.Stdout, "one")
	for lines.Scan() && lines.Text() == "" { // until it is there
	}
	if want := `{"stream":"stdout","at":"1970-01-01T00:00:00.000Z","text":"one"}`; lines.Text() != want {
		t.Errorf("%q, want %q", lines.Text(), want)
	}
	close(f.chunks)
	f.awaitClose(t)
}

func TestFollowersAreBounded(t *testing.T) {
	h, f := startFollowed(t, func(o *Options) { o.Limits.Followers = 1 })
	first := h.followWith("")
	refused := h.do("GET", followPath, "")
	refused.wantError(t, 503, messages.CodeBusy, "")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// needs no follower's place
	h.do("GET", "/agent/runs/"+runID+"/output?stream=stderr", "").want(t, 200, "\xff")
	if head := h.do("HEAD", followPath, ""); head.status != 200 {
		t.Errorf("HEAD: %d", head.status)
	}
	f.closed.Store(false) // the refused one and HEAD closed it, too
	f.gone = make(chan struct{})
	_ = first.Body.Close() // the client leaves while nothing is printed
	f.awaitClose(t)
	for deadline := time.Now().Add(5 * time.Second); len(h.server.follows) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("a follower that left kept its place")
		}
	}
}

func TestFollowCutsLongChunksBetweenCharacters(t *testing.T) {
	h, f := startFollowed(t, nil)
	lines := json.NewDecoder(h.followWith("&format=ndjson").Body)
	printed := "x" + strings.Repeat("世", 5000)
	f.print(messages.Stdout, printed)
	close(f.chunks)
	got := ""
	for n := 0; lines.More(); n++ {
		var line outputLine
		if err := lines.Decode(&line); err != nil || line.Text == nil ||
			len(*line.Text) > formBytes {
			t.Fatalf("line %d: %+v, %v", n, line, err)
		}
		got += *line.Text
	}
	if got != printed {
		t.Errorf("%d bytes of %d", len(got), len(printed))
	}
	for _, c := range []struct {
		data,
		want string
	}{{"\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff"}, {
		"\x80\x80\x80\x80\x80\x80",
		"\x80\x80\x80\x80\x80",
	}, {"abc世", "abc"}} {
		if n := cutText([]byte(c.data), 5); c.data[:n] != c.want {
			t.Errorf("%q was cut to %q", c.data, c.data[:n])
		}
	}
}

func TestFollowThatBreaks(t *testing.T) {
	h, f := startFollowed(t, nil)
	response := h.followWith("")
	f.print(messages.Stdout, "one")
	h.server.cancel()
	if body, err := io.ReadAll(response.Body); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%q was taken for the whole", body)
	}
	f.awaitClose(t)
}

func TestShutdownWaitsForFollowersThatRead(t *testing.T) {
	h, f := startFollowed(t, nil)
	response := h.followWith("")
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		done <- h.server.Shutdown(ctx)
	}()
	<-h.server.leave.Done()
	f.print(messages.Stdout, "the last words")
	close(f.chunks) // the agent ends the run
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "the last words" {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownDropsFollowersThatDoNotRead(t *testing.T) {
	h, f := startFollowed(t, nil)
	h.followWith("") // and reads nothing
	flood := strings.Repeat("x", 1<<20)
	stuck := make(chan struct{})
	go func() {
		for {
			select {
			case f.chunks <- messages.OutputChunk{Stream: messages.Stdout, Data: []byte(flood)}:
			case <-time.After(500 * time.Millisecond):
				close(stuck)
				return
			}
		}
	}()
	<-stuck
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	f.awaitClose(t)
}
