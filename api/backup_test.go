package api

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gusty/messages"
)

func TestBackup(t *testing.T) {
	h := start(t, nil)
	var closed atomic.Int32
	var broken atomic.Bool
	content := strings.Repeat("sealed", 100_000)
	h.agent.replace = func(msg any) (any, bool) {
		_, ours := msg.(messages.MakeBackup)
		return messages.Backup{
			Bytes: 4711, Close: func() { closed.Add(1) },
			WriteTo: func(w io.Writer) error {
				if broken.Load() {
					return errors.New("the disk is broken")
				}
				_, err := io.WriteString(w, content)
				return err
			},
		}, ours
	}
	got := h.do("GET", "/agent/backup", "")
	if got.status != 200 || got.body != content || got.header.Get(backupBytesHeader) != "4711" ||
		got.header.Get("Content-Type") != mediaTar {
		t.Errorf("%d, %d bytes, %v", got.status, len(got.body), got.header)
	}
	if head := h.do("HEAD", "/agent/backup", ""); head.status != 200 || h.agent.last() == nil {
		t.Errorf("HEAD: %d", head.status)
	}
	broken.Store(true)
	h.do("GET", "/agent/backup", "").wantError(t, 500, messages.CodeInternal, "")
	for deadline := time.Now().Add(5 * time.Second); closed.Load() != 2; {
		// a producer ends just after its answer
		if time.Now().After(deadline) {
			t.Fatalf("closed %d copies, not 2", closed.Load())
		}
	}
}

func TestBackupNeedsItsScope(t *testing.T) {
	h := start(t, nil)
	request := h.request("GET", "/agent/backup", "")
	request.SetBasicAuth("reader", "read")
	h.send(request).wantError(t, 403, messages.CodeForbidden, "")
}

func TestBackupThatFindsNoPlace(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.Streams = 1 })
	h.server.streams <- struct{}{}
	closed := 0
	h.agent.replace = func(any) (any, bool) {
		return messages.Backup{Close: func() {
			closed++
		}, WriteTo: func(io.Writer) error { return nil }}, true
	}
	h.do("GET", "/agent/backup", "").wantError(t, 503, messages.CodeBusy, "")
	if closed != 1 {
		t.Error("the copy was left behind")
	}
	<-h.server.streams
}
