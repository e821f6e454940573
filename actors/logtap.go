package actors

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"gusty/messages"
)

// loggerAgent is the loggerName of the agent's own lines; that of an actor's has its name behind
// it.
const loggerAgent = "gusty"

// Bounds of what goes from the log to the outbox, so that a storm of lines fills neither memory nor
// the outbox.
const (
	tapDelay   = 500 * time.Millisecond // how long a line waits for others
	tapBurst   = 200                    // lines at once
	tapRefill  = 20                     // lines a second in the long run
	tapMaxLine = 8 << 10                // bytes
)

// LogTap takes a copy of the agent's log lines for OpenSearch: those that its log level lets
// through, but for lines about shipping itself, which would feed on themselves. What comes before
// the tree is up waits; what is over the bounds is counted, and a line tells how many there were.
type LogTap struct {
	mu       sync.Mutex
	lines    []tapped
	tokens   float64
	filled   time.Time
	left     uint64 // lines left out since the last flush
	timer    *time.Timer
	give     func([]tapped, uint64) // nil: the tree is not up
	detached bool
}

type tapped struct {
	at      time.Time
	level   slog.Level
	actor   string
	message string
}

// NewLogTap makes a tap; Options.LogTap connects it.
func NewLogTap() *LogTap { return &LogTap{tokens: tapBurst} }

// Handler returns a handler that hands everything to next, and a copy to the tap.
func (t *LogTap) Handler(next slog.Handler) slog.Handler { return &tapHandler{next: next, tap: t} }

// attach connects the tap. give is called from goroutines of the tap's own, one at a time.
func (t *LogTap) attach(give func(lines []tapped, left uint64)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.give = give
	if len(t.lines) > 0 {
		t.arm()
	}
}

// detach ends the tap and gives what waits.
func (t *LogTap) detach() {
	t.flush()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detached, t.lines = true, nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

func (t *LogTap) take(line tapped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.detached || line.actor == nameShipper {
		return
	}
	t.tokens = min(t.tokens+line.at.Sub(t.filled).Seconds()*tapRefill, tapBurst)
	t.filled = line.at
	if t.tokens < 1 || len(t.lines) >= tapBurst {
		t.left++
	} else {
		t.tokens--
		t.lines = append(t.lines, line)
	}
	if t.give != nil {
		t.arm()
	}
}

func (t *LogTap) arm() {
	if t.timer == nil {
		t.timer = time.AfterFunc(tapDelay, t.flush)
	}
}

func (t *LogTap) flush() {
	t.mu.Lock()
	lines, left, give := t.lines, t.left, t.give
	t.timer = nil
	if give != nil {
		t.lines, t.left = nil, 0
	}
	t.mu.Unlock()
	if give != nil && (len(lines) > 0 || left > 0) {
		give(lines, left)
	}
}

// tapHandler is one logger's way to the tap, with the attributes that it has.
type tapHandler struct {
	next   slog.Handler
	tap    *LogTap
	actor  string
	prefix string // attributes as text
	group  string
}

// Enabled is what next says.
func (h *tapHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle hands the record to next and a copy to the tap.
func (h *tapHandler) Handle(ctx context.Context, record slog.Record) error {
	err := h.next.Handle(ctx, record)
	line := tapped{at: record.Time, level: record.Level, actor: h.actor}
	var text strings.Builder
	text.WriteString(record.Message + h.prefix)
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "actor" {
			line.actor = a.Value.String()
		} else {
			writeAttr(&text, h.group, a)
		}
		return true
	})
	line.message = text.String()
	if len(line.message) > tapMaxLine {
		line.message = line.message[:tapMaxLine] + "…"
	}
	h.tap.take(line)
	return err
}

// WithAttrs returns a handler that has the attributes in each line.
func (h *tapHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.next = h.next.WithAttrs(attrs)
	var text strings.Builder
	for _, a := range attrs {
		if a.Key == "actor" {
			next.actor = a.Value.String()
		} else {
			writeAttr(&text, h.group, a)
		}
	}
	next.prefix += text.String()
	return &next
}

// WithGroup returns a handler that names further attributes after the group.
func (h *tapHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.next, next.group = h.next.WithGroup(name), h.group+name+"."
	return &next
}

func writeAttr(to *strings.Builder, group string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, inner := range value.Group() {
			writeAttr(to, group+a.Key+".", inner)
		}
		return
	}
	text := value.String()
	if strings.ContainsAny(text, " =\"\n") {
		text = fmt.Sprintf("%q", text)
	}
	to.WriteString(" " + group + a.Key + "=" + text)
}

// queueLines makes documents of log lines. What the store does not take is not told again: the
// agent's own log has it.
func (s *System) queueLines(lines []tapped, left uint64) {
	config := s.Config()
	if _, wanted := shippingTo(config); !wanted {
		return
	}
	if left > 0 {
		lines = append(lines, tapped{
			at:      time.Now(),
			level:   slog.LevelWarn,
			message: fmt.Sprintf("%d lines of the agent's log were left out here", left),
		})
	}
	change := messages.Change{Origin: messages.OriginAgent()}
	for _, line := range lines {
		logger := loggerAgent
		if line.actor != "" {
			logger += "." + line.actor
		}
		body := s.logDocument(config, levelName(line.level), logger, line.message, line.at)
		document := newDocument(classOfLine(line.level),
			config.Text(messages.ParamApplicationLogIndex), line.at, body)
		change.Rows = append(change.Rows, documentRow(config, document))
	}
	s.opt.Store.Submit(change, func(messages.Committed) {})
}

// classOfLine puts a line that tells of trouble above all else in a full outbox.
func classOfLine(level slog.Level) messages.DocumentClass {
	if level >= slog.LevelWarn {
		return messages.DocumentWarning
	}
	return messages.DocumentLog
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARN"
	case level >= slog.LevelInfo:
		return "INFO"
	default:
		return "DEBUG"
	}
}
