package actors

import (
	"context"
	"io"

	"gusty/messages"
)

// output returns what a run printed so far and, where that is asked for and the run has not ended,
// what follows it.
func (s *System) output(m messages.GetOutput) (out messages.RunOutput, err error) {
	if out.Run, err = s.opt.Store.Run(m.ID); err != nil {
		return out, err
	}
	out.Each = func(each func(messages.OutputChunk) error) error {
		return s.opt.Store.EachOutput(m.ID, each)
	}
	if !m.Follow || !out.Run.State.Active() {
		return out, nil
	}
	follower, err := s.opt.Store.FollowOutput(m.ID)
	if err != nil {
		return out, err
	}
	out.Follower = &boundFollower{OutputFollower: follower, runsOver: s.runsOver}
	return out, nil
}

// boundFollower ends when the agent stops and all runs have ended: a run that still waits by then
// starts in the agent's next life.
type boundFollower struct {
	messages.OutputFollower
	runsOver context.Context
}

// Next returns io.EOF in place of a wait that nothing would end.
func (f *boundFollower) Next(ctx context.Context) (messages.OutputChunk, error) {
	bound, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.runsOver, cancel)()
	chunk, err := f.OutputFollower.Next(bound)
	if err != nil && ctx.Err() == nil && f.runsOver.Err() != nil {
		return chunk, io.EOF
	}
	return chunk, err
}
