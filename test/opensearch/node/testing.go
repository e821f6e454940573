package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// NeedT skips a test where the tools for a node are not here, or fails it where InsistVariable is
// set.
func NeedT(t testing.TB) {
	t.Helper()
	missing := Missing()
	switch {
	case len(missing) == 0:
	case os.Getenv(InsistVariable) != "":
		t.Fatalf("no OpenSearch node can be started here without %s; install them",
			strings.Join(missing, ", "))
	default:
		t.Skipf("no OpenSearch node can be started here without %s", strings.Join(missing, ", "))
	}
}

// StartT starts a node in a directory of its own, and ends it with the test.
func StartT(t testing.TB, o Options) *Node {
	t.Helper()
	NeedT(t)
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	n, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Do sends one request as the first user and returns the status and the body.
func (n *Node) Do(ctx context.Context, method, path, body string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, n.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	if n.Security {
		request.SetBasicAuth(User, Password)
		if transport.TLSClientConfig, err = n.trust(); err != nil {
			return 0, nil, err
		}
	}
	client := http.Client{Transport: transport, Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, data, err
}

func (n *Node) trust() (*tls.Config, error) {
	ca, err := os.ReadFile(n.CAFile())
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the node's CA file holds no certificate")
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// DoT sends one request and expects a status below 300.
func (n *Node) DoT(t testing.TB, method, path, body string) []byte {
	t.Helper()
	status, data, err := n.Do(t.Context(), method, path, body)
	if err != nil || status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %v %s", method, path, status, err, data)
	}
	return data
}

// Documents returns the sources of all documents of an index by their id, as they are searchable
// now. An index that is not there has none.
func (n *Node) Documents(ctx context.Context, index string) (map[string]json.RawMessage, error) {
	if status, data, err := n.Do(ctx, http.MethodPost, "/"+index+"/_refresh", ""); err != nil ||
		status == http.StatusNotFound {
		return nil, err
	} else if status != http.StatusOK {
		return nil, fmt.Errorf("refreshing %s: %d %s", index, status, data)
	}
	all := map[string]json.RawMessage{}
	after := ""
	for {
		hits, err := n.page(ctx, index, after)
		if err != nil || len(hits) == 0 {
			return all, err
		}
		for _, h := range hits {
			all[h.ID], after = h.Source, h.ID
		}
	}
}

type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
}

// page returns the next documents in the order of their ids.
func (n *Node) page(ctx context.Context, index, after string) ([]hit, error) {
	query := map[string]any{
		"size": 5000,
		"sort": []any{map[string]any{"_id": map[string]string{
			"order":         "asc",
			"unmapped_type": "keyword",
		}}},
	}
	if after != "" {
		query["search_after"] = []string{after}
	}
	body, err := json.Marshal(query)
	if err != nil {
		return nil, err
	}
	status, data, err := n.Do(ctx, http.MethodPost, "/"+index+"/_search", string(body))
	if err != nil || status != http.StatusOK {
		return nil,
			errors.Join(fmt.Errorf("searching %s: %d %s", index, status, bytes.TrimSpace(data)),
				err)
	}
	var answer struct{ Hits struct{ Hits []hit } }
	err = json.Unmarshal(data, &answer)
	return answer.Hits.Hits, err
}

// CountT returns how many documents an index holds, after a refresh.
func (n *Node) CountT(t testing.TB, index string) int {
	t.Helper()
	if status, _, err := n.Do(t.Context(), http.MethodPost, "/"+index+"/_refresh",
		""); err == nil && status == http.StatusNotFound {
		return 0
	}
	status, data, err := n.Do(t.Context(), http.MethodGet, "/"+index+"/_count", "")
	var answer struct{ Count int }
	if err != nil || status != http.StatusOK || json.Unmarshal(data, &answer) != nil {
		t.Fatalf("counting %s: %d %v %s", index, status, err, data)
	}
	return answer.Count
}
