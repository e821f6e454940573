package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"gusty/messages"
)

// private marks the messages that an actor's own goroutines send it. They are bounded by what
// caused them, and never refused.
type private interface{ private() }

// mailbox is an unbounded mailbox that answers instead of growing or forgetting: a request over the
// limit gets "busy", and what a stopped actor leaves in its queue gets "unavailable". (The
// library's bounded mailbox blocks its senders, its dropping one is silent, and a stopped actor's
// queue is discarded without a word.)
type mailbox struct {
	actor.Mailbox
	name  string
	limit int64
	// requests in the queue: counted before they are put in, so that many senders at once do not
	// overrun the limit
	waiting atomic.Int64
	answer  func(to *actor.PID, reply any)
	stopped atomic.Bool
}

func newMailbox(name string, limit int64, answer func(*actor.PID, any)) *mailbox {
	return &mailbox{Mailbox: actor.Unbounded()(), name: name, limit: limit, answer: answer}
}

// PostUserMessage queues the message, or answers its sender that the actor is busy.
func (m *mailbox) PostUserMessage(message any) {
	if sender := requestFrom(message); sender != nil && m.waiting.Add(1) > m.limit {
		m.waiting.Add(-1)
		m.answer(sender, messages.Busy("the "+m.name+" actor"))
		return
	}
	m.Mailbox.PostUserMessage(message)
}

// requestFrom returns who waits for the answer of a request; nil: nobody does, or the message is an
// actor's own.
func requestFrom(message any) *actor.PID {
	env, ok := message.(*actor.MessageEnvelope)
	if !ok {
		return nil
	}
	if _, own := env.Message.(private); own {
		return nil
	}
	return env.Sender
}

// RegisterHandlers puts the answering of left-over messages between the queue and the actor.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.Mailbox.RegisterHandlers(&lastWords{MessageInvoker: invoker, mailbox: m}, dispatcher)
}

type lastWords struct {
	actor.MessageInvoker
	mailbox *mailbox
}

// InvokeSystemMessage resumes the mailbox after a stop: an actor that failed is suspended, and its
// askers would wait for their time-out.
func (l *lastWords) InvokeSystemMessage(message any) {
	l.MessageInvoker.InvokeSystemMessage(message)
	if _, stop := message.(*actor.Stop); stop {
		l.mailbox.stopped.Store(true)
		l.mailbox.PostSystemMessage(&actor.ResumeMailbox{})
	}
}

// InvokeUserMessage hands the message on, or answers it where the actor has stopped.
func (l *lastWords) InvokeUserMessage(message any) {
	if requestFrom(message) != nil {
		l.mailbox.waiting.Add(-1)
	}
	if !l.mailbox.stopped.Load() {
		l.MessageInvoker.InvokeUserMessage(message)
		return
	}
	if env, ok := message.(*actor.MessageEnvelope); ok && env.Sender != nil {
		l.mailbox.answer(env.Sender, messages.Unavailable("the "+l.mailbox.name+" actor"))
	}
}
