package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gusty/internal/opensearch"
	"gusty/messages"
)

// loggerCheck is the loggerName of the test document.
const loggerCheck = loggerAgent + ".check"

// checkPatience is how long a check waits for each answer: whoever asked for it waits too.
const checkPatience = 10 * time.Second

// checker is what a check needs of a client beside what shipping needs.
type checker interface {
	Check(ctx context.Context, index, id string, document []byte) []opensearch.Step
}

// checkShipping goes the way to OpenSearch on the asker's goroutine, beside the shipper.
func (s *System) checkShipping(ctx context.Context, m messages.CheckShipping) (any, error) {
	config := s.Config()
	client, err := s.openCluster(config, checkPatience)
	if err != nil {
		step := messages.ShippingStep{Name: "configuration", Found: err.Error(), Remedy: "set the parameter anew: gustyctl config set"}
		return messages.ShippingChecked{Steps: []messages.ShippingStep{step}}, nil
	}
	if client == nil {
		return nil, messages.Errorf(messages.CodeConflict, "no endpoint is set (parameter %s)", messages.ParamEndpoint)
	}
	defer client.Close()
	c, ok := client.(checker)
	if !ok {
		return nil, errors.New("this client cannot check the way")
	}
	now := time.Now()
	body := s.logDocument(config, "INFO", loggerCheck, "a test document, asked for by "+m.Origin.Principal, now)
	data, err := json.Marshal(&body)
	if err != nil {
		return nil, fmt.Errorf("make the test document: %w", err)
	}
	index := messages.ResolveIndex(config.Text(messages.ParamApplicationLogIndex), now)
	var checked messages.ShippingChecked
	for _, step := range c.Check(ctx, index, newID(), data) {
		checked.Steps = append(checked.Steps, messages.ShippingStep(step))
	}
	return checked, nil
}
