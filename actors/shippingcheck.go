package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// loggerCheck is the loggerName of the test document.
const loggerCheck = loggerAgent + ".check"

// maxJobIndices is how many indices of jobs a check tries.
const maxJobIndices = 20

// checkPatience is how long a check waits for each answer: whoever asked for it waits too.
const checkPatience = 10 * time.Second

// checker is what a check needs of a client beside what shipping needs.
type checker interface {
	Check(ctx context.Context, probes []opensearch.Probe) []opensearch.Step
}

// checkShipping goes the way to OpenSearch on the asker's goroutine, beside the shipper.
func (s *System) checkShipping(ctx context.Context, m messages.CheckShipping) (any, error) {
	config := s.Config()
	client, err := s.openCluster(config, checkPatience)
	if err != nil {
		step := messages.ShippingStep{
			Name:   "configuration",
			Found:  err.Error(),
			Remedy: remedyOfConfiguration(err),
		}
		return messages.ShippingChecked{Steps: []messages.ShippingStep{step}}, nil
	}
	if client == nil {
		return nil,
			messages.Errorf(messages.CodeConflict, "no endpoint is set (parameter %s)",
				messages.ParamEndpoint)
	}
	defer client.Close()
	c, ok := client.(checker)
	if !ok {
		return nil, errors.New("this client cannot check the way")
	}
	probes, left, err := s.probes(config, m.Origin.Principal, time.Now())
	if err != nil {
		return nil, err
	}
	var checked messages.ShippingChecked
	for _, step := range c.Check(ctx, probes) {
		checked.Steps = append(checked.Steps, messages.ShippingStep(step))
	}
	if left > 0 {
		found := fmt.Sprintf("%d more indices of jobs were not tried", left)
		checked.Steps = append(checked.Steps, messages.ShippingStep{
			Name:  "test document",
			OK:    true,
			Found: found,
		})
	}
	return checked, nil
}

func remedyOfConfiguration(err error) string {
	if _, ok := errors.AsType[*opensearch.EnvironmentError](err); ok {
		return "set it anew in the agent's environment, or name the endpoint's host in no_proxy " +
			"there, and restart the agent"
	}
	return "set the parameter anew: gustyctl config set"
}

// healthProbe is the test document for the health index: it has no figures, and a status of its
// own, so that nobody takes it for a sign of life.
type healthProbe struct {
	AgentID   string            `json:"agentId"`
	Hostname  string            `json:"hostname"`
	PID       int               `json:"pid"`
	Status    string            `json:"status"`
	Timestamp string            `json:"timestamp"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// probes makes a test document for each index that is configured: the application log, health, and
// those of jobs, of which left were left out.
func (s *System) probes(config *messages.Config, principal string,
	now time.Time,
) (probes []opensearch.Probe, left int, err error) {
	log := s.logDocument(config, "INFO", loggerCheck, "a test document, asked for by "+principal,
		now)
	health := healthProbe{
		AgentID: s.agentID, Hostname: s.hostname, PID: os.Getpid(), Status: "check",
		Timestamp: log.Timestamp, Labels: log.Labels,
	}
	logSource, logErr := json.Marshal(&log)
	healthSource, healthErr := json.Marshal(&health)
	ofJobs, readErr := s.opt.Store.JobIndices()
	if err := errors.Join(logErr, healthErr, readErr); err != nil {
		return nil, 0, fmt.Errorf("make the test documents: %w", err)
	}
	seen := map[string]bool{}
	add := func(name string, source []byte) {
		if index := messages.ResolveIndex(name, now); !seen[index] {
			seen[index] = true
			probes = append(probes, opensearch.Probe{Index: index, ID: newID(), Source: source})
		}
	}
	add(config.Text(messages.ParamApplicationLogIndex), logSource)
	add(config.Text(messages.ParamHealthIndex), healthSource)
	left = max(len(ofJobs)-maxJobIndices, 0)
	for _, name := range ofJobs[:len(ofJobs)-left] {
		add(name, logSource)
	}
	return probes, left, nil
}
