package actors

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// configActor owns the parameters.
type configActor struct {
	system *System
	loaded uint64 // the transaction that the snapshot was loaded from
	config *messages.Config
}

// configChanged tells the other actors that a new snapshot is in force.
type configChanged struct{ config *messages.Config }

func (configChanged) private() {}

type parametersCommitted struct {
	local     map[string]string
	committed messages.Committed
}

func (parametersCommitted) private() {}

func newConfigActor(s *System) *configActor { return &configActor{system: s} }

// Receive takes requests about parameters.
func (a *configActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.onStarted()
	case messages.GetConfig:
		respond(ctx, a.config)
	case messages.SetParameters:
		a.onSetParameters(ctx, m)
	case parametersCommitted:
		a.onCommitted(ctx, m)
	case importParameters:
		a.onImport(ctx, m)
	}
}

func (a *configActor) onStarted() {
	config, txID, err := loadConfig(a.system.opt.Store, a.nextVersion())
	if err != nil {
		panic(err)
	}
	a.loaded = txID
	a.publish(config)
}

func loadConfig(store Store, version uint64) (*messages.Config, uint64, error) {
	var rows []messages.StoredParameter
	txID, err := store.LoadParameters(func(row messages.StoredParameter) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("load the parameters: %w", err)
	}
	return messages.NewConfig(version, rows), txID, nil
}

// nextVersion continues where an earlier instance left off.
func (a *configActor) nextVersion() uint64 {
	if before := a.system.Config(); before != nil {
		return before.Version + 1
	}
	return 1
}

func (a *configActor) publish(config *messages.Config) {
	a.config = config
	a.system.config.Store(config)
	if a.system.opt.OnConfig != nil {
		a.system.opt.OnConfig(config)
	}
	a.system.tell(nameMetric, configChanged{config})
	a.system.tell(nameExecutors, configChanged{config})
	a.system.tell(nameShipper, configChanged{config})
}

func (a *configActor) onSetParameters(ctx actor.Context, m messages.SetParameters) {
	local, err := a.check(m.Values)
	if err != nil {
		respond(ctx, refusal(err, "the config actor"))
		return
	}
	if len(local) == 0 {
		respond(ctx, messages.ParametersSet{Config: a.config})
		return
	}
	change := messages.Change{Origin: m.Origin}
	for _, name := range slices.Sorted(maps.Keys(local)) {
		change.Rows = append(change.Rows, messages.ParameterRow{Name: name, Local: local[name]})
	}
	a.system.submit(ctx, change, func(c messages.Committed) any {
		return parametersCommitted{local: local, committed: c}
	})
}

// check returns the values to store: the last of a name wins, and a mask is left out.
func (a *configActor) check(values []messages.ParameterValue) (map[string]string, error) {
	local := make(map[string]string, len(values))
	for _, v := range values {
		p, known := messages.FindParameter(v.Name)
		switch {
		case !known:
			return nil, messages.Invalidf(v.Name, "there is no parameter of this name")
		case p.HostOnly:
			return nil, &messages.Error{
				Code: messages.CodeForbidden, Field: v.Name,
				Message: "this parameter is set on the host only, by flag or environment",
			}
		case p.Kind == messages.KindSecret && v.Value == messages.Mask:
			continue
		}
		text, err := p.Normalize(v.Value)
		if err != nil {
			return nil, err
		}
		local[v.Name] = text
	}
	return local, nil
}

func (a *configActor) onCommitted(ctx actor.Context, m parametersCommitted) {
	if m.committed.Err != nil {
		respond(ctx, refusal(m.committed.Err, "the store"))
		return
	}
	if m.committed.TxID > a.loaded {
		a.publish(a.config.With(a.nextVersion(), m.local))
	}
	respond(ctx, messages.ParametersSet{Config: a.config})
}
