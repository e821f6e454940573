package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

// exporting lets the fake give rows, and take imports.
func exporting(f *fakeAgent, rows ...table.TableRow) {
	f.replace = func(msg any) (any, bool) {
		switch m := msg.(type) {
		case table.GetExport:
			return table.Export{Each: func(each func(table.TableRow) error) error {
				for _, row := range rows {
					if err := each(row); err != nil {
						return err
					}
				}
				return nil
			}}, true
		case messages.Import:
			result := messages.ImportResult{Applied: !m.DryRun}
			for _, item := range m.Items {
				row := messages.ImportedRow{
					Place:   item.Place,
					Table:   item.Table,
					Name:    item.Name,
					Outcome: item.Outcome,
					Notes:   item.Notes,
				}
				if row.Outcome == "" {
					row.Outcome = messages.ImportCreated
				}
				result.Rows = append(result.Rows, row)
			}
			if result.Refused() > 0 && !m.Partial {
				result.Applied = false
			}
			return messages.Imported{Result: result}, true
		}
		return nil, false
	}
}

// A client that takes nothing of its export does not keep others from theirs.
func TestAStalledExportMakesRoom(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.StallTimeout = time.Second })
	begun, ended := make(chan struct{}), make(chan error, 1)
	h.agent.replace = func(msg any) (any, bool) {
		if _, ok := msg.(table.GetExport); !ok {
			return nil, false
		}
		return table.Export{Each: func(each func(table.TableRow) error) error {
			close(begun)
			for {
				if err := each(messages.VersionRow{Version: strings.Repeat("v",
					10_000)}); err != nil {
					ended <- err
					return err
				}
			}
		}}, true
	}
	response, err := h.client.Do(h.request("GET", "/agent/export", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	<-begun
	exporting(h.agent, messages.VersionRow{Version: "1"})
	h.do("GET", "/agent/export", "").wantError(t, 503, messages.CodeBusy, "")
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the export goes on, and nobody reads it")
	}
	for until := time.Now().Add(10 * time.Second); h.do("GET", "/agent/export", "").status != 200; {
		// its place is free in a moment
		if time.Now().After(until) {
			t.Fatal("its place is still taken")
		}
	}
}

// An export whose rows come slowly goes on: the time is that of the client for what it was sent.
func TestASlowExportIsNotCutOff(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.StallTimeout = 400 * time.Millisecond })
	const rows = 300
	h.agent.replace = func(msg any) (any, bool) {
		if _, ok := msg.(table.GetExport); !ok {
			return nil, false
		}
		return table.Export{Each: func(each func(table.TableRow) error) error {
			for n := range rows {
				if n%100 == 50 {
					time.Sleep(600 * time.Millisecond) // the store may take its time, too
				}
				if err := each(messages.VersionRow{Version: strings.Repeat("v",
					1000)}); err != nil {
					return err
				}
			}
			return nil
		}}, true
	}
	if got := h.do("GET", "/agent/export", ""); got.status != 200 || strings.Count(got.body, `"table"`) != rows {
		t.Errorf("%d with %d bytes", got.status, len(got.body))
	}
}

const userLine = `{"table":"user_creds","row":{"user_name":"u","password":"********"}}` + "\n"

func TestExportIsLines(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent, table.UserTableRow{
		Name:     "u",
		Password: messages.Mask,
	}, messages.VersionRow{Version: "1"})
	h.do("GET", "/agent/export", "").want(t, 200, strings.TrimSpace(userLine+`{"table":"agent_version","row":{"version":"1","version_valid":0,"build_date":""}}`))
	if got := h.agent.last().(table.GetExport).Query; got.Runs || got.Secrets {
		t.Errorf("asked for %+v", got)
	}
	if a := h.do("GET", "/agent/export?runs=true&secrets=true", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := h.agent.last().(table.GetExport).Query; !got.Runs || !got.Secrets {
		t.Errorf("asked for %+v", got)
	}
	h.do("GET", "/agent/export?secrets=yes", "").wantError(t, 400, messages.CodeBadQuery, "secrets")
	h.do("GET", "/agent/export?secret=true", "").wantError(t, 400, messages.CodeBadQuery, "secret")
}

func TestAnExportThatFailsAtOnceIsAnError(t *testing.T) {
	h := start(t, nil)
	h.agent.replace = func(any) (any, bool) {
		return table.Export{Each: func(func(table.TableRow) error) error {
			return messages.Errorf(messages.CodeStorageFull, "full")
		}}, true
	}
	h.do("GET", "/agent/export", "").wantError(t, 503, messages.CodeStorageFull, "")
	h.agent.replace = func(any) (any, bool) {
		return table.Export{Each: func(func(table.TableRow) error) error {
			return errors.New("damaged")
		}}, true
	}
	h.do("GET", "/agent/export", "").wantError(t, 500, messages.CodeInternal, "")
	exporting(h.agent)
	h.do("GET", "/agent/export", "").want(t, 200, "") // the place is free again
}

func TestImportAnswersRowByRow(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	body := userLine + "\n" + `{"table":"server_config","row":{"param_name":"labels","local_value":"a=b"}}`
	got := importOf(t, h, "/agent/import", body, 200)
	if !got.Success || !got.Applied || got.DryRun || len(got.Rows) != 2 || got.Rows[1].Place != 3 ||
		got.Rows[1].Name != "labels" || got.Counts["created"] != 2 {
		t.Errorf("%+v", got)
	}
	m := h.agent.last().(messages.Import)
	if m.Origin.Principal != testUser || m.Items[0].User == nil || !m.Items[0].User.Disabled ||
		m.Items[1].Parameter.Local != "a=b" {
		t.Errorf("asked for %+v", m.Items)
	}
	if dry := importOf(t, h, "/agent/import?dry_run=true", body, 200); dry.Applied || !dry.DryRun {
		t.Errorf("%+v", dry)
	}
}

func TestImportWithRowsThatAreRefused(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	body := userLine + "nonsense\n" + `{"table":"server_config","row":{"param_name":"server_port","local_value":"70000"}}`
	a := h.do("POST", "/agent/import", body)
	a.wantError(t, 422, messages.CodeInvalid, "")
	var refusal importRefusal
	if json.Unmarshal([]byte(a.body), &refusal) != nil || len(refusal.Rows) != 3 ||
		refusal.Rows[1].Outcome != messages.ImportRefused {
		t.Errorf("%s", a.body)
	}
	if dry := importOf(t, h, "/agent/import?dry_run=true", body, 200); dry.Applied ||
		!strings.HasPrefix(dry.Message, "Nothing would be changed: 2 of 3") {
		t.Errorf("%+v", dry)
	}
	if partial := importOf(t, h, "/agent/import?partial=true", body, 200); !partial.Applied ||
		partial.Message != "1 of 3 rows imported" {
		t.Errorf("%+v", partial)
	}
}

func importOf(t *testing.T, h *harness, path, body string, status int) (got importAnswer) {
	t.Helper()
	a := h.do("POST", path, body)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != status {
		t.Errorf("%d %s, %v", a.status, a.body, err)
	}
	return got
}

func TestImportTakesLinesAndNothingElse(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	for kind, want := range map[string]int{
		"application/x-ndjson": 200,
		"application/json":     200,
		"text/plain":           415,
		"":                     415,
	} {
		request := h.request("POST", "/agent/import", userLine)
		request.Header.Set("Content-Type", kind)
		if a := h.send(request); a.status != want {
			t.Errorf("Content-Type %q: %d %s", kind, a.status, a.body)
		}
	}
	h.do("POST", "/agent/import", "\n \n").wantError(t, 400, messages.CodeNotJSON, "")
	h.do("POST", "/agent/import?dry=true", userLine).wantError(t, 400, messages.CodeBadQuery, "dry")
}

func TestAnImportMayBeLarge(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	if got := importOf(t, h, "/agent/import", strings.Repeat(userLine, 20_000),
		200); len(got.Rows) != 20_000 {
		t.Errorf("%d rows", len(got.Rows))
	}
	// Only the size is told: a client that sends on may find the connection closed before it reads
	// the answer.
	h.raw(sizeOfImport(testPass, 16<<20+1)).wantError(t, 413, messages.CodeTooLarge, "")
	if a := h.raw(sizeOfImport("wrong", 100_000)); a.status != http.StatusRequestEntityTooLarge &&
		a.status != http.StatusUnauthorized {
		t.Errorf("without credentials: %d", a.status)
	}
}

// sizeOfImport is the head of a request.
func sizeOfImport(password string, bytes int) string {
	credentials := base64.StdEncoding.EncodeToString([]byte(testUser + ":" + password))
	return fmt.Sprintf("POST /agent/import HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "+
		"%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		credentials, bytes)
}

func TestOneTransferAtATime(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	leave, err := h.server.enterTransfer()
	if err != nil {
		t.Fatal(err)
	}
	h.do("GET", "/agent/export", "").wantError(t, 503, messages.CodeBusy, "")
	h.do("POST", "/agent/import", userLine).wantError(t, 503, messages.CodeBusy, "")
	leave()
	if got := importOf(t, h, "/agent/import", userLine, 200); len(got.Rows) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTransfersNeedTheirScope(t *testing.T) {
	h := start(t, nil)
	exporting(h.agent)
	for _, path := range []string{"GET /agent/export", "POST /agent/import"} {
		method, path, _ := strings.Cut(path, " ")
		request := h.request(method, path, "")
		request.SetBasicAuth("reader", "read")
		if a := h.send(request); a.status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
		}
	}
}
