package actors

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"gusty/messages"
)

// timeFormat is RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// loggerJobs is the loggerName of what jobs printed.
const loggerJobs = "gusty.jobs"

// applicationLog is a document of the application log index. The first eight fields are those of
// the Rust agent, the others are Gusty's.
type applicationLog struct {
	AgentID    string            `json:"agentId"`
	Endpoint   string            `json:"endpoint"`
	Hostname   string            `json:"hostname"`
	JobName    string            `json:"jobname"`
	Level      string            `json:"level"`
	LoggerName string            `json:"loggerName"`
	Message    string            `json:"message"`
	Timestamp  string            `json:"timestamp"`
	RunID      string            `json:"run_id,omitempty"`
	Stream     string            `json:"stream,omitempty"`
	Part       int               `json:"part,omitempty"`     // of what a run printed, from 1
	Sequence   uint64            `json:"sequence,omitempty"` // added when it is sent
	Labels     map[string]string `json:"labels,omitempty"`
}

// healthMetrics is the `metrics` object of a health document.
type healthMetrics struct {
	CPUUsage    float32 `json:"cpuUsage"`
	DiskUsage   float32 `json:"diskUsage"`
	MemoryUsage float32 `json:"memoryUsage"`
	OSVersion   string  `json:"osVersion"`
	Port        int     `json:"port"`
	RustVersion string  `json:"rustVersion"`
	Uptime      uint64  `json:"uptime"`
}

// healthDocument is a document of the health index; a heartbeat is one with the id that its sender
// gave.
type healthDocument struct {
	AgentID     string            `json:"agentId"`
	Hostname    string            `json:"hostname"`
	Metrics     healthMetrics     `json:"metrics"`
	PID         int               `json:"pid"`
	Status      string            `json:"status"`
	Timestamp   string            `json:"timestamp"`
	HeartbeatID string            `json:"heartbeat_id,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`

	Version         string `json:"version"`
	ActorRestarts   uint64 `json:"actor_restarts"` // since the agent was started
	QuarantinedJobs uint64 `json:"quarantined_jobs"`
	OutboxDocuments uint64 `json:"outbox_documents"` // that wait
	OutboxBytes     uint64 `json:"outbox_bytes"`
	DeadLetters     uint64 `json:"dead_letters"`
	Dropped         uint64 `json:"dropped_documents"` // since the agent was installed
	LastError       string `json:"last_error"`        // of shipping; it may be over
	LastErrorAt     string `json:"last_error_at,omitempty"`
}

// shippingTo reports whether documents are wanted at all: where no endpoint is set nothing is
// queued.
func shippingTo(config *messages.Config) (endpoint string, wanted bool) {
	endpoint = config.Text(messages.ParamEndpoint)
	return endpoint, endpoint != ""
}

func labelsOf(config *messages.Config) map[string]string {
	labels, err := messages.ParseLabels(messages.ParamLabels, config.Text(messages.ParamLabels))
	if err != nil || len(labels) == 0 {
		return nil
	}
	return labels
}

// newDocument wraps a body for the outbox.
func newDocument(class messages.DocumentClass, index string, now time.Time,
	body any,
) messages.Document {
	data, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Errorf("marshal %T: %w", body, err)) // strings and numbers only: this is a bug
	}
	return messages.Document{
		ID:       newID(),
		Class:    class,
		Index:    messages.ResolveIndex(index, now),
		QueuedAt: now,
		Body:     data,
	}
}

// documentRow is the change that queues a document.
func documentRow(config *messages.Config, d messages.Document) messages.DocumentRow {
	return messages.DocumentRow{Document: d, LimitBytes: config.Int(messages.ParamOutboxLimitBytes)}
}

// health makes a health document of a sample.
func (s *System) health(config *messages.Config, sample *messages.Sample, heartbeatID string,
	now time.Time,
) messages.Document {
	document := healthDocument{
		AgentID: s.agentID, Hostname: s.hostname, PID: os.Getpid(), Status: "active",
		Timestamp:   now.UTC().Format(timeFormat),
		HeartbeatID: heartbeatID, Labels: labelsOf(config),
		Metrics: healthMetrics{
			CPUUsage: sample.CPUPercent, DiskUsage: sample.DiskPercent,
			MemoryUsage: sample.MemoryPercent,
			OSVersion:   sample.OSVersion, Port: s.port(), RustVersion: sample.RustVersion,
			Uptime: sample.UptimeSeconds,
		},
	}
	s.addTrouble(&document)
	return newDocument(messages.DocumentHealth, config.Text(messages.ParamHealthIndex), now,
		document)
}

// addTrouble adds what a fleet is watched by: what restarts, what does not fire, what waits. The
// outbox is shown as it was when the shipper last looked, at most a minute ago: an actor does not
// read the disk for it.
func (s *System) addTrouble(d *healthDocument) {
	d.Version = s.opt.Build.Version
	for _, m := range s.members {
		d.ActorRestarts += m.vital.restarts.Load()
	}
	d.QuarantinedJobs = s.counts.stats().Scheduler.Quarantined
	if state := s.shipping.Load(); state != nil {
		d.OutboxDocuments, d.OutboxBytes, d.DeadLetters =
			state.standing.Waiting, state.standing.Bytes, state.standing.Dead
		d.Dropped, d.LastError = state.standing.Dropped, state.lastError
		if !state.lastAt.IsZero() {
			d.LastErrorAt = state.lastAt.UTC().Format(timeFormat)
		}
	}
}

// outputDocuments returns the documents of a finished run: one for each stream that is not empty.
// What lies in the run's files is only named: the shipper reads it when it sends.
func (s *System) outputDocuments(config *messages.Config, run *messages.Run, job *messages.Job,
	now time.Time,
) []messages.Document {
	endpoint, wanted := shippingTo(config)
	if !wanted {
		return nil
	}
	index, secrets := job.OpenSearchIndex, secretsOf(job)
	if index == "" {
		index = config.Text(messages.ParamApplicationLogIndex)
	}
	var documents []messages.Document
	for _, stream := range []messages.Stream{messages.Stdout, messages.Stderr} {
		size := run.Output.StdoutBytes
		if stream == messages.Stderr {
			size = run.Output.StderrBytes
		}
		if size == 0 {
			continue
		}
		body := applicationLog{
			AgentID: s.agentID, Endpoint: endpoint, Hostname: s.hostname, JobName: run.ScriptName,
			Level:      outputLevel(run, stream),
			LoggerName: loggerJobs, Timestamp: now.UTC().Format(timeFormat), RunID: run.ID,
			Stream: stream.String(), Part: 1, Labels: labelsOf(config),
			Message: inlineText(run.Output.Inline, stream, secrets),
		}
		document := newDocument(messages.DocumentOutput, index, now, body)
		if run.Output.InFile {
			document.Output = &messages.OutputRef{
				RunID:   run.ID,
				Stream:  stream,
				To:      size,
				Secrets: secrets,
			}
		}
		documents = append(documents, document)
	}
	return documents
}

// withoutMessage puts a note in the place of a run's output in its document. One whose message lies
// in files stays as it is.
func withoutMessage(d messages.Document, note string) messages.Document {
	var body applicationLog
	if d.Output != nil || len(d.Body) == 0 || json.Unmarshal(d.Body, &body) != nil {
		return d
	}
	body.Message = note
	if data, err := json.Marshal(body); err == nil && len(data) < len(d.Body) {
		d.Body = data
	}
	return d
}

// outputLevel is INFO for standard output; standard error is ERROR of a run that failed and WARN of
// one that succeeded.
func outputLevel(run *messages.Run, stream messages.Stream) string {
	switch {
	case stream == messages.Stdout:
		return "INFO"
	case run.State == messages.RunSucceeded:
		return "WARN"
	default:
		return "ERROR"
	}
}

// inlineText returns what one stream printed as the message of one document: it is short.
func inlineText(chunks []messages.OutputChunk, stream messages.Stream,
	secrets []messages.Secret,
) string {
	var whole strings.Builder
	p := &parts{
		stream: stream, redactor: newRedactor(secrets),
		give: func(_ int, text string) error {
			whole.WriteString(text)
			return nil
		},
	}
	for _, c := range chunks {
		_ = p.add(c) // only give could fail
	}
	_ = p.end() // as above
	return whole.String()
}

// oneLine removes line ends, as the Rust agent does in a message.
func oneLine(text string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(text)
}
