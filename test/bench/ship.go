//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"gusty/messages"
	"gusty/persistence"
	"gusty/test/agent"
	"gusty/test/opensearch/node"
)

// The goals of shipping to a real OpenSearch node.
const (
	shipGoal      = 0.8 // of the speed of the official client's BulkIndexer
	drainGoal     = 24_000_000
	drainedGoal   = 10_000_000
	visibleGoal   = 1500 * time.Millisecond
	backoffGoal   = 0.02 // of a core
	shipDocuments = 200_000
)

// measureShip drains a full outbox into a real node, in turns with the BulkIndexer of opensearch-go
// that sends the same documents; then it looks how soon a finished job's document can be found, and
// what an agent uses whose cluster is away.
func measureShip(ctx context.Context, b *bench) ([]figure, error) {
	if missing := node.Missing(); len(missing) > 0 {
		return []figure{{
			what:     "shipping to OpenSearch",
			measured: "not measured: no " + strings.Join(missing, ", "),
		}}, nil
	}
	n, err := node.Start(ctx, node.Options{Dir: b.data("node")})
	if err != nil {
		return nil, err
	}
	defer func() { _ = n.Stop(context.WithoutCancel(ctx)) }()
	s := &shipping{bench: b, node: n, documents: shipDocuments, rounds: 3}
	if b.quick {
		s.documents, s.rounds = shipDocuments/10, 1
	}
	var figures []figure
	for _, take := range []func(context.Context) ([]figure, error){s.drains, s.visible, s.away} {
		taken, err := take(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, taken...)
	}
	return figures, nil
}

// shipping is what its measurements share.
type shipping struct {
	*bench
	node      *node.Node
	documents int
	rounds    int
}

// drains measures the two ways in turns.
func (s *shipping) drains(ctx context.Context) ([]figure, error) {
	baseline, err := s.buildBaseline(ctx)
	if err != nil {
		return nil, err
	}
	var ours, theirs, ratios []float64
	var peak, after int64
	for round := range s.rounds {
		base, err := s.baseline(ctx, baseline, fmt.Sprintf("theirs-%d", round))
		if err != nil {
			return nil, err
		}
		rate, highest, rested, err := s.drain(ctx, fmt.Sprintf("ours-%d", round),
			round == s.rounds-1)
		if err != nil {
			return nil, err
		}
		ours, theirs, ratios = append(ours, rate), append(theirs, base), append(ratios, rate/base)
		peak, after = max(peak, highest), rested
	}
	share := median(ratios)
	return []figure{
		{
			what: fmt.Sprintf("documents a second into OpenSearch, from an outbox of %d",
				s.documents),
			measured: fmt.Sprintf("%.0f/s", median(ours)),
			baseline: fmt.Sprintf("%.0f/s BulkIndexer", median(theirs)),
			ratio:    fmt.Sprintf("%.2f", share), goal: fmt.Sprintf(">= %.1f", shipGoal),
			met: judge(share >= shipGoal),
		},
		memory("resident while it drains them", peak, drainGoal, ""),
		memory(fmt.Sprintf("resident %s after that, median", s.wait), after, drainedGoal, ""),
	}, nil
}

// buildBaseline builds the program that sends with the official client.
func (s *shipping) buildBaseline(ctx context.Context) (string, error) {
	root, err := agent.Root(ctx)
	if err != nil {
		return "", err
	}
	path := s.data("bulkindexer")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	build.Dir = filepath.Join(root, "test", "bench", "bulkindexer")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the baseline of shipping: %w\n%s", err, out)
	}
	return path, nil
}

// benchBody is a document like those of the agent's log.
func benchBody(i int) string {
	return fmt.Sprintf(`{"agentId":"c16524b5-6b36-4edf-afd2-34cc39238311","endpoint":"http://127.0.0.1:9200","hostname":"a-host","jobname":"job %d",`+
		`"level":"INFO","loggerName":"gusty.jobs","message":"line %d of what a job has printed, with some words in it","timestamp":%q,"stream":"stdout"}`,
		i%100, i, time.Unix(1_800_000_000+int64(i), 0).UTC().Format(time.RFC3339))
}

// baseline returns the documents a second of the official client.
func (s *shipping) baseline(ctx context.Context, program, index string) (float64, error) {
	path := s.data(index + ".tsv")
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(file)
	for i := range s.documents {
		fmt.Fprintf(w, "%s\t%s\t%s\n", index, uuid.Must(uuid.NewV7()), benchBody(i))
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, program, s.node.URL, path).Output()
	if err != nil {
		return 0, fmt.Errorf("the official client: %w", err)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		return 0, err
	}
	return float64(s.documents) / seconds, s.count(ctx, index)
}

// count makes sure that an index holds all documents.
func (s *shipping) count(ctx context.Context, index string) error {
	if _, _, err := s.node.Do(ctx, http.MethodPost, "/"+index+"/_refresh", ""); err != nil {
		return err
	}
	_, body, err := s.node.Do(ctx, http.MethodGet, "/"+index+"/_count", "")
	if err != nil {
		return err
	}
	var found struct{ Count int }
	if err := json.Unmarshal(body, &found); err != nil || found.Count != s.documents {
		return fmt.Errorf("%s holds %d of %d documents (%w)", index, found.Count, s.documents, err)
	}
	return nil
}

// fill makes a data directory whose outbox holds the documents.
func (s *shipping) fill(ctx context.Context, name string) error {
	process, err := s.start(ctx, name)
	if err != nil {
		return err
	}
	if _, err := process.Stop(); err != nil {
		return err
	}
	store, err := persistence.Open(persistence.Options{Dir: s.data(name), Existing: true})
	if err != nil {
		return err
	}
	err = errors.Join(s.commit(store, messages.ParameterRow{
		Name:  messages.ParamOutboxLimitBytes,
		Local: "1073741824",
	}), s.queue(store, name))
	return errors.Join(err, store.Close())
}

func (s *shipping) queue(store *persistence.Store, index string) error {
	const at = 5000
	for i := 0; i < s.documents; {
		var rows []messages.Row
		for ; len(rows) < at && i < s.documents; i++ {
			rows = append(rows, messages.DocumentRow{Document: messages.Document{
				ID: uuid.Must(uuid.NewV7()).String(), Class: messages.DocumentOutput, Index: index,
				QueuedAt: time.Now(), Body: []byte(benchBody(i)),
			}})
		}
		if err := s.commit(store, rows...); err != nil {
			return err
		}
	}
	return nil
}

func (s *shipping) commit(store *persistence.Store, rows ...messages.Row) error {
	done := make(chan error, 1)
	store.Submit(messages.Change{
		Origin: messages.OriginAgent(),
		Rows:   rows,
	}, func(c messages.Committed) {
		done <- c.Err
	})
	return <-done
}

// drain lets an agent ship a full outbox, and gives its documents a second, the memory that it
// took, and with rest the memory after a while.
func (s *shipping) drain(ctx context.Context, index string, rest bool) (rate float64, peak,
	after int64, err error,
) {
	if err := s.fill(ctx, index); err != nil {
		return 0, 0, 0, err
	}
	process, err := s.start(ctx, index)
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return 0, 0, 0, err
	}
	defer client.Close()
	if err := pause(ctx, 5*time.Second); err != nil { // it is at rest before
		return 0, 0, 0, err
	}
	stop := agent.WatchMemory(ctx, process.PID, 20*time.Millisecond)
	begun := time.Now()
	err = errors.Join(setParameters(ctx, client, messages.ParamEndpoint, s.node.URL),
		empty(ctx, client))
	rate, peak = float64(s.documents)/time.Since(begun).Seconds(), stop()
	if err = errors.Join(err, s.count(ctx, index)); err != nil || !rest {
		return rate, peak, 0, err
	}
	if err := pause(ctx, s.wait); err != nil {
		return 0, 0, 0, err
	}
	rested, err := residents(ctx, process.PID, restSpell)
	if err != nil {
		return 0, 0, 0, err
	}
	return rate, peak, rested[len(rested)/2], nil
}

func setParameters(ctx context.Context, client *agent.Client, pairs ...string) error {
	var rows []map[string]string
	for i := 0; i < len(pairs); i += 2 {
		rows = append(rows, map[string]string{
			"propertyName":  pairs[i],
			"propertyValue": pairs[i+1],
		})
	}
	body, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = client.Want(ctx, http.StatusOK, http.MethodPut, "/agent/config", string(body))
	return err
}

// empty waits until the outbox is.
func empty(ctx context.Context, client *agent.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		var outbox struct {
			Waiting int
			State   string
		}
		body, err := client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/outbox", "")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &outbox); err != nil {
			return err
		}
		if outbox.Waiting == 0 {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d documents wait, %s: %w", outbox.Waiting, outbox.State, err)
		}
	}
}
