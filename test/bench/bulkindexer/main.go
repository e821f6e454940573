// Command bulkindexer sends documents with the BulkIndexer of the official client, opensearch-go,
// and prints how many seconds that took: the baseline of the measurement of shipping. Its input is
// lines of an index, an id and a JSON document, with tabs between.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
	"github.com/opensearch-project/opensearch-go/v4/opensearchutil"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bulkindexer URL FILE")
		os.Exit(2)
	}
	took, err := send(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bulkindexer:", err)
		os.Exit(1)
	}
	fmt.Printf("%.3f\n", took.Seconds())
}

// send sends the file's documents with the indexer's own defaults: as many workers as cores, 5 MB
// at a time.
func send(ctx context.Context, url, path string) (time.Duration, error) {
	client, err := opensearchapi.NewClient(
		opensearchapi.Config{Client: opensearch.Config{Addresses: []string{url}}})
	if err != nil {
		return 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	begun := time.Now()
	indexer, err := opensearchutil.NewBulkIndexer(opensearchutil.BulkIndexerConfig{Client: client})
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := bytes.SplitN(bytes.Clone(lines.Bytes()), []byte{'\t'}, 3)
		err := indexer.Add(ctx, opensearchutil.BulkIndexerItem{
			Action: "create", Index: string(fields[0]), DocumentID: string(fields[1]),
			Body: bytes.NewReader(fields[2]),
		})
		if err != nil {
			return 0, err
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if err := indexer.Close(ctx); err != nil {
		return 0, err
	}
	if stats := indexer.Stats(); stats.NumFailed > 0 {
		return 0, fmt.Errorf("%d of %d documents failed", stats.NumFailed, stats.NumAdded)
	}
	return time.Since(begun), nil
}
