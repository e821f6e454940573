package actors

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"gusty/messages"
)

func TestFollowerOfAQueuedRunEndsWithTheAgent(t *testing.T) {
	w := newWorld(t)
	queued := messages.Run{ID: newID(), ScriptName: "later", State: messages.RunQueued}
	ended := messages.Run{ID: newID(), ScriptName: "later", State: messages.RunSucceeded}
	w.start()
	defer w.stop()
	w.store.putRun(queued)
	w.store.putRun(ended)
	if out := w.followOutput(ended.ID); out.Follower != nil || out.Each == nil {
		t.Error("there is nothing to follow of a run that has ended")
	}
	follower := w.followOutput(queued.ID).Follower
	defer follower.Close()
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := follower.Next(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("one who waits no longer: %v", err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := follower.Next(context.Background())
		result <- err
	}()
	w.stop()
	if err := <-result; !errors.Is(err, io.EOF) {
		t.Errorf("when the agent stops: %v", err)
	}
}

func (w *world) followOutput(id string) messages.RunOutput {
	w.t.Helper()
	reply, err := w.sys.Ask(context.Background(), messages.GetOutput{ID: id, Follow: true})
	out, ok := reply.(messages.RunOutput)
	if err != nil || !ok {
		w.t.Fatalf("got %T, %v", reply, err)
	}
	return out
}

// TestOutputThatCannotBeStored: the run succeeds, what it printed is counted to its end, and its
// record says why that is not there.
func TestOutputThatCannotBeStored(t *testing.T) {
	for want, fail := range map[string]error{
		"a part of the output could not be kept; the log has the cause under this run's id": errors.New("input/output error of /dev/secret"),
		"left out, since the storage took no writes":                                        messages.Errorf(messages.CodeStorageFull, "left out, since the storage took no writes"),
	} {
		inBubble(t, func(w *world) { w.store.outputError = fail }, func(w *world) {
			done := ask[messages.RunFinished](w, messages.ExecuteCommand{Command: "print hello"})
			if done.Run.State != messages.RunSucceeded || done.Run.Reason != want ||
				done.Run.Output.StdoutBytes != 5 || done.Run.Output.StderrBytes != 0 {
				t.Errorf("the run is %+v", done.Run)
			}
			if !strings.Contains(w.log.String(), "a part of the output could not be stored") {
				t.Error("the log does not tell")
			}
			w.expectIdle()
		})
	}
}
