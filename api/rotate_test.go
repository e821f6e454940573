package api

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gusty/messages"
)

// fakeKeys is a store whose rotation goes on until it is told that it is done.
type fakeKeys struct{ rotating atomic.Bool }

func (f *fakeKeys) RotateKey() error {
	if f.rotating.Swap(true) {
		return messages.Errorf(messages.CodeConflict, "a rotation is under way")
	}
	return nil
}

func (f *fakeKeys) KeyRotation() (messages.KeyRotation, error) {
	if !f.rotating.Load() {
		return messages.KeyRotation{
			State:          messages.RotationIdle,
			KeyVersion:     1,
			Seals:          9,
			RotatesAtSeals: 10,
		}, nil
	}
	return messages.KeyRotation{
		State: messages.RotationOfRows, KeyVersion: 2, Rows: 100, RowsLeft: 40,
		BeganAt: time.Unix(1_800_000_000, 0), RotatesAtSeals: 10,
		LastError: "no space is left",
	}, nil
}

func TestRotation(t *testing.T) {
	h := start(t, nil)
	const idle = `{"state":"idle","key_version":1,"rows":0,"rows_left":0,"output_files_left":0,"began_at":null,"seals":9,"rotates_at_seals":10,"last_error":null}`
	const rows = `{"state":"rows","key_version":2,"rows":100,"rows_left":40,"output_files_left":0,"began_at":"2027-01-15T08:00:00.000Z","seals":0,` +
		`"rotates_at_seals":10,"last_error":"no space is left"}`
	for _, c := range []struct {
		method string
		status int
		body   string
	}{
		{http.MethodGet, http.StatusOK, idle},
		{http.MethodPost, http.StatusAccepted, rows},
		{http.MethodGet, http.StatusOK, rows},
		{http.MethodPost, http.StatusConflict, ""},
	} {
		got := h.send(h.request(c.method, "/agent/store/rotate", ""))
		if got.status != c.status || c.body != "" && strings.TrimSpace(got.body) != c.body {
			t.Errorf("%s: %d %s", c.method, got.status, got.body)
		}
	}
}

func TestRotationNeedsItsScope(t *testing.T) {
	h := start(t, nil)
	request := h.request(http.MethodPost, "/agent/store/rotate", "")
	request.SetBasicAuth("reader", "read")
	if got := h.send(request); got.status != http.StatusForbidden {
		t.Errorf("got %d", got.status)
	}
}
