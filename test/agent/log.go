package agent

import (
	"bytes"
	"sync"
)

// Log keeps what the agent writes and notices the line that says that it serves.
type Log struct {
	mu    sync.Mutex
	data  bytes.Buffer
	ready chan struct{}
	seen  bool
}

func newLog() *Log { return &Log{ready: make(chan struct{})} }

// Write takes what the agent wrote, in pieces of any size.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data.Write(p)
	if !l.seen && (bytes.Contains(l.data.Bytes(), []byte(`"msg":"ready"`)) || bytes.Contains(l.data.Bytes(), []byte("msg=ready"))) {
		l.seen = true
		close(l.ready)
	}
	return len(p), nil
}

// Ready is closed when the line was seen.
func (l *Log) Ready() <-chan struct{} { return l.ready }

// String returns all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.data.String()
}
