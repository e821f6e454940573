package api

import (
	"time"

	"gusty/messages"
)

// checkAnswer is how far the way to OpenSearch leads.
type checkAnswer struct {
	OK    bool        `json:"ok"`
	Steps []checkStep `json:"steps"`
}

type checkStep struct {
	Step   string `json:"step"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"`
	Remedy string `json:"remedy"` // empty where all is well
}

// checkExtra is how long the steps may take: a name, a connection, a handshake and two requests,
// each at most 10 s, of which some may never be answered.
const checkExtra = 50 * time.Second

func checkOpenSearch(r *request) error {
	checked, err := askLong[messages.ShippingChecked](r, messages.CheckShipping{Origin: r.origin()},
		checkExtra)
	if err != nil {
		return err
	}
	out := checkAnswer{OK: true, Steps: make([]checkStep, 0, len(checked.Steps))}
	for _, s := range checked.Steps {
		out.Steps = append(out.Steps, checkStep{
			Step:   s.Name,
			OK:     s.OK,
			Found:  s.Found,
			Remedy: s.Remedy,
		})
		out.OK = out.OK && s.OK
	}
	return r.ok(out)
}
