package api

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gusty/messages"
)

func TestOutput(t *testing.T) {
	h := start(t, nil)
	path := "/agent/runs/" + runID + "/output"
	all := h.do("GET", path, "")
	all.want(t, 200, "one\n\xff\n\n[gusty: 7 bytes left out]\ntwo")
	if all.header.Get("Content-Type") != mediaText ||
		all.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(all.header)
	}
	h.do("GET", path+"?stream=stderr", "").want(t, 200, "\xff")
	h.do("GET", path+"?format=ndjson", "").want(t, 200, strings.Join([]string{
		`{"stream":"stdout","at":"2026-01-02T03:04:05.678Z","text":"one\n"}`,
		`{"stream":"stderr","at":"2026-01-02T03:04:05.678Z","base64":"/wo="}`,
		`{"stream":"stdout","at":"2026-01-02T03:04:05.678Z","skipped":7}`,
		`{"stream":"stdout","at":"2026-01-02T03:04:05.678Z","text":"two\n"}`,
	}, "\n"))
	h.do("GET", path+"?stream=stdin", "").wantError(t, 400, messages.CodeBadQuery, "stream")
	h.do("GET", "/agent/runs/"+goneID+"/output", "").wantError(t, 404, messages.CodeNotFound, "")
	h.do("GET", "/agent/runs/x/output", "").wantError(t, 404, messages.CodeNotFound, "")
	if head := h.do("HEAD", path, ""); head.status != 200 || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
}

func TestLongOutputIsStreamed(t *testing.T) {
	h := start(t, nil)
	chunk := messages.OutputChunk{Stream: messages.Stdout, Data: bytes.Repeat([]byte("x"), 10_000)}
	h.agent.chunks = nil
	for range 100 {
		h.agent.chunks = append(h.agent.chunks, chunk)
	}
	path := "/agent/runs/" + runID + "/output"
	if got := h.do("GET", path, ""); len(got.body) != 1_000_000 ||
		got.header.Get("Content-Length") != "" {
		t.Errorf("%d bytes, %v", len(got.body), got.header)
	}
	if head := h.do("HEAD", path, ""); head.status != 200 {
		t.Errorf("HEAD: %d", head.status)
	}
	for deadline := time.Now().Add(5 * time.Second); len(h.server.streams) > 0; {
		// a producer ends just after its answer
		if time.Now().After(deadline) {
			t.Fatal("a stream kept its place")
		}
	}
}

func TestOutputThatBreaks(t *testing.T) {
	h := start(t, nil)
	at := 0
	h.agent.replace = func(msg any) (any, bool) {
		if _, ok := msg.(messages.GetOutput); !ok {
			return nil, false
		}
		return messages.RunOutput{Each: func(each func(messages.OutputChunk) error) error {
			for range at {
				if err := each(messages.OutputChunk{
					Stream: messages.Stdout,
					Data:   make([]byte, 1000),
				}); err != nil {
					return err
				}
			}
			return errors.New("a damaged file")
		}}, true
	}
	h.do("GET", "/agent/runs/"+runID+"/output", "").wantError(t, 500, messages.CodeInternal, "")
	at = 100
	response, err := h.client.Do(h.request("GET", "/agent/runs/"+runID+"/output", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("%d bytes were taken for the whole", len(body))
	}
}

// A damaged output is told as that: by an answer where nothing was sent yet, and else behind what
// was.
func TestDamagedOutputSaysSo(t *testing.T) {
	h := start(t, nil)
	at := 0
	h.agent.replace = func(msg any) (any, bool) {
		if _, ok := msg.(messages.GetOutput); !ok {
			return nil, false
		}
		return messages.RunOutput{Each: func(each func(messages.OutputChunk) error) error {
			for range at {
				if err := each(messages.OutputChunk{
					Stream: messages.Stdout,
					Data:   make([]byte, 1000),
				}); err != nil {
					return err
				}
			}
			return messages.Errorf(messages.CodeStorageDamaged, "the output is damaged")
		}}, true
	}
	got := h.do("GET", "/agent/runs/"+runID+"/output", "")
	got.wantError(t, 500, messages.CodeStorageDamaged, "")
	if !strings.Contains(got.body, "the output is damaged") ||
		!strings.Contains(got.body, "request_id") {
		t.Errorf("it says %s", got.body)
	}
	at = 100
	response, err := h.client.Do(h.request("GET", "/agent/runs/"+runID+"/output", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil || len(body) < 100_000 ||
		!strings.HasSuffix(string(body), "\n[gusty: the output is damaged]\n") {
		t.Errorf("%d bytes, %v, which end with %q", len(body), err, body[max(0, len(body)-40):])
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.Streams = 1 })
	h.server.streams <- struct{}{}
	h.do("GET", "/agent/runs/"+runID+"/output", "").wantError(t, 503, messages.CodeBusy, "")
	<-h.server.streams
	h.do("GET", "/agent/runs/"+runID+"/output?stream=stderr", "").want(t, 200, "\xff")
}
