package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"gusty/messages"
)

// previewed asks for firings of an expression.
func (h *harness) previewed(t testing.TB, expression, count string) previewAnswer {
	t.Helper()
	query := url.Values{
		"cron_expression": {expression},
		"time_zone":       {"Europe/Berlin"},
		"from":            {"2026-11-23T08:00:00Z"},
		"count":           {count},
	}
	var preview previewAnswer
	if err := json.Unmarshal([]byte(h.do("GET", "/agent/job/preview?"+query.Encode(), "").body),
		&preview); err != nil {
		t.Fatal(err)
	}
	return preview
}

func TestPreviewOfAThousand(t *testing.T) {
	h := start(t, nil)
	got := h.previewed(t, "0 0 29 2 *", "1000").Next
	if len(got) != 1000 || got[0] != "2028-02-28T23:00:00.000Z" {
		t.Errorf("%d firings, %.3q", len(got), got)
	}
	if h.previewed(t, "@every 90s", "1000").Next[999] != "2026-11-24T09:00:00.000Z" {
		t.Error("the last of 1000 is another")
	}
	h.do("GET", "/agent/job/preview?cron_expression=@daily&count=1001", "").wantError(t, 400,
		messages.CodeBadQuery, "count")
}

// BenchmarkPreview is what the route does for 1000 firings, over TLS. The goal is 5 ms.
func BenchmarkPreview(b *testing.B) {
	for _, expression := range []string{
		"* * * * *", "*/10 9-17 * * 1-5", "0 0 29 2 *",
		"0 0 0 29 2 SUN", "@every 90s",
	} {
		b.Run(expression, func(b *testing.B) {
			h := startForBenchmark(b)
			query := url.Values{
				"cron_expression": {expression},
				"time_zone":       {"Europe/Berlin"},
				"count":           {"1000"},
			}
			for b.Loop() {
				if got := h.do("GET", "/agent/job/preview?"+query.Encode(),
					""); got.status != http.StatusOK {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/op")
		})
	}
}
