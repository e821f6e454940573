package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// submit hands a change to the store. What became of it comes back to the actor as the message that
// then makes, with the asker as its sender, so that the middleware can answer the asker if the
// actor fails over it.
func (s *System) submit(ctx actor.Context, change messages.Change,
	then func(messages.Committed) any,
) {
	self, asker := ctx.Self(), ctx.Sender()
	s.opt.Store.Submit(change, func(c messages.Committed) {
		s.actors.Root.RequestWithCustomSender(self, then(c), asker)
	})
}

// respond answers the asker, if there is one.
func respond(ctx actor.Context, reply any) {
	if ctx.Sender() != nil {
		ctx.Respond(reply)
	}
}

// refusal returns the error as a reply: an *Error as it is, and nothing of any other but that the
// outcome is unknown.
func refusal(err error, who string) any {
	if e := messages.AsError(err); e != nil {
		return e
	}
	return messages.Unavailable(who)
}
