package actors

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gusty/internal/hostinfo"
	"gusty/messages"
)

// counting is a collector that counts its calls and does what the test says.
func counting(name string, calls *atomic.Int64,
	look func(ctx context.Context, call int64) (func(*hostinfo.Figures),
		error),
) hostinfo.Collector {
	return hostinfo.Collector{
		Name: name, Deadline: 2 * time.Second,
		Collect: func(ctx context.Context) (func(*hostinfo.Figures), error) {
			return look(ctx, calls.Add(1))
		},
	}
}

func goodCollector(calls *atomic.Int64) hostinfo.Collector {
	return counting("memory", calls,
		func(_ context.Context, call int64) (func(*hostinfo.Figures), error) {
			return func(f *hostinfo.Figures) { f.MemoryPercent = float64(call) }, nil
		})
}

func TestAHungCollectorMakesOneFigureStale(t *testing.T) {
	var good, bad atomic.Int64
	hang := make(chan struct{})
	prepare := func(w *world) {
		hang = make(chan struct{})
		w.options.Collectors = []hostinfo.Collector{
			goodCollector(&good),
			counting("disk", &bad,
				func(_ context.Context, call int64) (func(*hostinfo.Figures), error) {
					if call == 2 {
						<-hang
					}
					return func(f *hostinfo.Figures) { f.DiskPercent = 50 }, nil
				}),
		}
	}
	inBubble(t, prepare, func(w *world) {
		if s := ask[*messages.Sample](w, messages.GetSample{}); len(s.Stale) != 0 ||
			s.DiskPercent != 50 {
			t.Errorf("the first sample is %+v", s)
		}
		w.advance(time.Minute + time.Second)
		begun := time.Now()
		s := ask[*messages.Sample](w, messages.GetSample{})
		if !slices.Equal(s.Stale, []string{"disk"}) || s.DiskPercent != 50 ||
			s.MemoryPercent != 7 || !slices.Equal(s.Host.StaleCollectors, s.Stale) {
			t.Errorf("while it hangs the sample is %+v", s)
		}
		if time.Since(begun) != 0 {
			t.Error("the asker waited for the collector")
		}
		if bad.Load() != 2 {
			t.Errorf("it was called %d times, while its second call hung", bad.Load())
		}
		ask[messages.ActorsRestarted](w, messages.RestartActors{})
		synctest.Wait()
		if s = ask[*messages.Sample](w, messages.GetSample{}); bad.Load() != 2 ||
			s.DiskPercent != 50 {
			t.Errorf("after a restart it was called %d times, and the sample is %+v", bad.Load(), s)
		}
		close(hang)
		w.advance(20 * time.Second)
		if s = ask[*messages.Sample](w, messages.GetSample{}); len(s.Stale) != 0 {
			t.Errorf("when it answers again the sample is %+v", s)
		}
	})
}

func TestASlowCollectorDoesNotHoldUpTheFirstSample(t *testing.T) {
	var slow atomic.Int64
	prepare := func(w *world) {
		w.options.Collectors = []hostinfo.Collector{counting("slow", &slow,
			func(ctx context.Context, _ int64) (func(*hostinfo.Figures), error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})}
	}
	inBubble(t, prepare, func(w *world) {
		begun := time.Now()
		if s := ask[*messages.Sample](w, messages.GetSample{}); !slices.Equal(s.Stale,
			[]string{"slow"}) {
			t.Errorf("the sample is %+v", s)
		}
		if took := time.Since(begun); took > roundGrace {
			t.Errorf("the asker waited %s", took)
		}
	})
}

func TestCollectorsThatFailAndPanic(t *testing.T) {
	var good, bad, worse, worst atomic.Int64
	prepare := func(w *world) {
		w.options.Collectors = []hostinfo.Collector{
			goodCollector(&good),
			counting("bad", &bad, func(context.Context, int64) (func(*hostinfo.Figures), error) {
				return nil, errors.New("no /proc")
			}),
			counting("worse", &worse,
				func(context.Context, int64) (func(*hostinfo.Figures), error) {
					panic("in the collector")
				}),
			counting("worst", &worst,
				func(context.Context, int64) (func(*hostinfo.Figures), error) {
					return func(*hostinfo.Figures) { panic("in its result") }, nil
				}),
		}
	}
	inBubble(t, prepare, func(w *world) {
		w.advance(5 * time.Minute)
		s := ask[*messages.Sample](w, messages.GetSample{})
		if !slices.Equal(s.Stale, []string{"bad", "worse", "worst"}) || s.MemoryPercent < 30 {
			t.Errorf("the sample is %+v", s)
		}
		if n := restartsOf(ask[messages.Stats](w, messages.GetStats{}), nameMetric); n != 0 {
			t.Errorf("the actor failed %d times", n)
		}
	})
}

func TestACollectorThatIsAskedOnce(t *testing.T) {
	var calls atomic.Int64
	prepare := func(w *world) {
		once := counting("os", &calls,
			func(_ context.Context, call int64) (func(*hostinfo.Figures), error) {
				if call == 1 {
					return nil, errors.New("not yet")
				}
				return func(f *hostinfo.Figures) { f.OSName = "Linux" }, nil
			})
		once.Once = true
		w.options.Collectors = []hostinfo.Collector{once}
	}
	inBubble(t, prepare, func(w *world) {
		w.advance(5 * time.Minute)
		if s := ask[*messages.Sample](w, messages.GetSample{}); calls.Load() != 2 ||
			s.OSName != "Linux" || len(s.Stale) != 0 {
			t.Errorf("after %d calls the sample is %+v", calls.Load(), s)
		}
	})
}

func TestTheSamplingIntervalChangesLive(t *testing.T) {
	var calls atomic.Int64
	prepare := func(w *world) { w.options.Collectors = []hostinfo.Collector{goodCollector(&calls)} }
	inBubble(t, prepare, func(w *world) {
		w.advance(time.Minute)
		if n := calls.Load(); n != 7 {
			t.Errorf("%d samples in a minute of 10 s", n)
		}
		w.set(messages.ParamMetricInterval, "1")
		w.advance(time.Minute)
		if n := calls.Load(); n < 66 || n > 69 {
			t.Errorf("%d samples after a minute of 1 s", n)
		}
	})
}

// set sets a parameter.
func (w *world) set(name, value string) {
	w.t.Helper()
	ask[messages.ParametersSet](w, messages.SetParameters{Values: []messages.ParameterValue{{
		Name:  name,
		Value: value,
	}}})
}

func TestHeartbeatsAndHealth(t *testing.T) {
	var calls atomic.Int64
	prepare := func(w *world) { w.options.Collectors = []hostinfo.Collector{goodCollector(&calls)} }
	inBubble(t, prepare, func(w *world) {
		if got := ask[messages.HeartbeatQueued](w,
			messages.SendHeartbeat{ID: "one"}); got.ID != "one" || got.Queued {
			t.Errorf("without an endpoint: %+v", got)
		}
		w.advance(time.Hour)
		if n := len(w.store.documents); n != 0 {
			t.Errorf("without an endpoint there are %d documents", n)
		}
		w.set(messages.ParamEndpoint, "https://search.example")
		w.set(messages.ParamLabels, "rack=7")
		if got := ask[messages.HeartbeatQueued](w, messages.SendHeartbeat{ID: "two"}); !got.Queued {
			t.Errorf("with an endpoint: %+v", got)
		}
		w.advance(10 * time.Minute)
		if n := len(w.store.documents); n != 3 {
			t.Errorf("a heartbeat and ten minutes give %d documents", n)
		}
		w.set(messages.ParamHeartbeatInterval, "60")
		w.advance(10 * time.Minute)
		if n := len(w.store.documents); n != 13 {
			t.Errorf("after ten minutes of 60 s there are %d documents", n)
		}
		w.checkHealth(w.store.documents[0])
		w.store.refuseWith(func(messages.Change) error {
			return messages.Errorf(messages.CodeStorageFull, "full")
		})
		if e := refusalOf(w,
			messages.SendHeartbeat{ID: "three"}); e.Code != messages.CodeStorageFull {
			t.Errorf("with a full disk: %v", e)
		}
	})
}

// checkHealth sees to it that a health document has the fields and types that its readers know.
func (w *world) checkHealth(d messages.Document) {
	w.t.Helper()
	var body map[string]any
	if err := json.Unmarshal(d.Body, &body); err != nil {
		w.t.Fatal(err)
	}
	metrics, _ := body["metrics"].(map[string]any)
	for _, name := range []string{
		"cpuUsage", "diskUsage", "memoryUsage", "osVersion", "port",
		"rustVersion", "uptime",
	} {
		if _, ok := metrics[name]; !ok {
			w.t.Errorf("metrics has no %s", name)
		}
	}
	if body["agentId"] != "agent-1" || body["status"] != "active" ||
		body["heartbeat_id"] != "two" || d.Class != messages.DocumentHealth ||
		d.Index != "rust_agent_health_discovery_dev" {
		w.t.Errorf("the document is %+v: %s", d, d.Body)
	}
}

func TestLastSeenIsNoted(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		seen := func() time.Time {
			text, _ := w.store.Setting(messages.SettingLastSeen)
			at, _ := time.Parse(time.RFC3339Nano, string(text))
			return at
		}
		w.advance(time.Second)
		if since := time.Since(seen()); since > time.Second {
			t.Errorf("after the start it was noted %s ago", since)
		}
		w.advance(10 * time.Minute)
		if since := time.Since(seen()); since > lastSeenInterval+10*time.Second {
			t.Errorf("it was noted %s ago", since)
		}
		w.sys.Stop(context.Background())
		synctest.Wait()
		if since := time.Since(seen()); since > time.Second {
			t.Errorf("at the stop it was noted %s ago", since)
		}
	})
}

func TestOutputDocuments(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		j := job("a", "@yearly", "print two\nlines")
		j.OpenSearchEnabled = true
		w.add(j)
		w.runNow("a")
		if n := len(w.store.documents); n != 0 {
			t.Errorf("without an endpoint there are %d documents", n)
		}
		w.set(messages.ParamEndpoint, "https://search.example")
		run := w.runNow("a")
		if len(w.store.documents) != 1 {
			t.Fatalf("there are %d documents", len(w.store.documents))
		}
		var body map[string]any
		if err := json.Unmarshal(w.store.documents[0].Body, &body); err != nil {
			t.Fatal(err)
		}
		if body["message"] != "twolines" || body["level"] != "INFO" || body["jobname"] != "a" ||
			body["run_id"] != run.ID ||
			w.store.documents[0].Index != "rust_agent_application_logs_dev" {
			t.Errorf("the document is %v", body)
		}
	})
}
