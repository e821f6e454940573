package actors

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// tapOf returns a logger with a tap, and what the tap has given so far.
func tapOf() (*LogTap, *slog.Logger, func() ([]tapped, uint64)) {
	tap := NewLogTap()
	var mu sync.Mutex
	var lines []tapped
	var left uint64
	tap.attach(func(more []tapped, n uint64) {
		mu.Lock()
		defer mu.Unlock()
		lines, left = append(lines, more...), left+n
	})
	log := slog.New(tap.Handler(slog.NewTextHandler(&logBuffer{},
		&slog.HandlerOptions{Level: slog.LevelInfo})))
	return tap, log, func() ([]tapped, uint64) {
		mu.Lock()
		defer mu.Unlock()
		return lines, left
	}
}

func TestLogTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, log, given := tapOf()
		defer tap.detach()
		log.With("actor", "metric", "a", 1).WithGroup("g").Warn("it happened", "b", "two words",
			slog.Group("h", "c", 3))
		log.Debug("not at this level")
		log.Info("about shipping", "actor", nameShipper)
		log.With("actor", nameShipper).Error("about shipping too")
		time.Sleep(tapDelay - time.Millisecond)
		synctest.Wait()
		if lines, _ := given(); len(lines) != 0 {
			t.Errorf("%d lines came before their time", len(lines))
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		lines, left := given()
		if len(lines) != 1 || left != 0 || lines[0].actor != "metric" || lines[0].message != `it happened a=1 g.b="two words" g.h.c=3` {
			t.Errorf("got %+v, %d left out", lines, left)
		}
	})
}

// Of the agent's own lines, those that warn are missed more than others where the outbox is full.
func TestLinesOfTheLogAreQueuedByTheirLevel(t *testing.T) {
	inBubble(t, func(w *world) {
		w.store.parameters[messages.ParamEndpoint] = "http://fake"
		w.options.openCluster = func(opensearch.Config) (bulkClient, error) {
			return deadCluster().client(), nil
		}
	}, func(w *world) {
		now := time.Now()
		var lines []tapped
		for _, level := range []slog.Level{
			slog.LevelDebug, slog.LevelInfo, slog.LevelWarn,
			slog.LevelError,
		} {
			lines = append(lines, tapped{at: now, level: level, message: level.String()})
		}
		w.sys.queueLines(lines, 1)
		w.advance(time.Second)
		got := map[string]messages.DocumentClass{}
		_ = w.store.Documents(0, func(d messages.Document) (bool, error) {
			var body applicationLog
			if err := json.Unmarshal(d.Body, &body); err != nil {
				t.Error(err)
			}
			got[body.Message] = d.Class
			return true, nil
		})
		want := map[string]messages.DocumentClass{
			"DEBUG": messages.DocumentLog, "INFO": messages.DocumentLog, "WARN": messages.DocumentWarning, "ERROR": messages.DocumentWarning,
			"1 lines of the agent's log were left out here": messages.DocumentWarning,
		}
		if !maps.Equal(got, want) {
			t.Errorf("the classes are %v", got)
		}
	})
}

// A storm of lines is cut to the burst and then to the rate; what is left out is counted.
func TestLogTapInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, log, given := tapOf()
		defer tap.detach()
		const seconds, perSecond = 20, 500
		for i := range seconds * perSecond {
			log.Info(fmt.Sprint("line ", i))
			time.Sleep(time.Second / perSecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		lines, left := given()
		if n := len(lines); n < tapBurst || n > tapBurst+seconds*tapRefill+1 {
			t.Errorf("%d lines passed", n)
		}
		if uint64(len(lines))+left != seconds*perSecond {
			t.Errorf("%d passed and %d were left out of %d", len(lines), left, seconds*perSecond)
		}
	})
}

// What is left out is told in time, and at the end, although no other line passes.
func TestLogTapTellsWhatIsLeftOutWithoutAnotherLine(t *testing.T) {
	for _, end := range []func(*LogTap){func(*LogTap) { time.Sleep(tapDelay) }, (*LogTap).detach} {
		synctest.Test(t, func(t *testing.T) {
			tap, log, given := tapOf()
			defer tap.detach()
			storm := func(after time.Duration, lines int) {
				time.Sleep(after)
				for i := range lines {
					log.Info(fmt.Sprint("line ", i))
				}
			}
			storm(0, tapBurst)
			storm(tapDelay+45*time.Millisecond, 100)
			storm(tapDelay-5*time.Millisecond, 100)
			// what came before has been given, and the rate does not allow for this one yet
			storm(6*time.Millisecond, 1)
			before, _ := given()
			end(tap)
			synctest.Wait()
			if lines, left := given(); len(lines) != len(before) || uint64(len(lines))+
				left != tapBurst+201 {
				t.Errorf("%d passed, %d of them before the end, and %d were left out", len(lines),
					len(before), left)
			}
		})
	}
}

func TestLogTapHoldsLinesUntilTheTreeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewLogTap()
		log := slog.New(tap.Handler(slog.NewTextHandler(&logBuffer{}, nil)))
		for range 3 * tapBurst {
			log.Info(strings.Repeat("x", 2*tapMaxLine))
		}
		var lines []tapped
		var left uint64
		tap.attach(func(more []tapped, n uint64) { lines, left = more, n })
		time.Sleep(tapDelay)
		synctest.Wait()
		if len(lines) != tapBurst || left != 2*tapBurst || len(lines[0].message) > tapMaxLine+8 {
			t.Errorf("%d lines, %d left out", len(lines), left)
		}
		tap.detach()
		log.Info("after the end")
	})
}
