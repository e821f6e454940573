package contract

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// testBackup reads a backup as one who knows only the documentation, and holds its files against
// the manifest.
func testBackup(t *testing.T, s *suite) {
	s.ask(t, probe{method: http.MethodHead, path: "/agent/backup", status: 200})
	s.ask(t, probe{
		method: http.MethodPost,
		path:   "/agent/command/execute",
		body:   command("seq 1 5000"),
		status: 200,
	})
	answer := s.ask(t, probe{method: http.MethodGet, path: "/agent/backup", status: 200})
	if media := answer.Header.Get("Content-Type"); media != "application/x-tar" {
		t.Errorf("the type is %q", media)
	}
	files := unpack(t, answer.Body)
	sum := sha256.Sum256(files["manifest.json"])
	if line := string(files["manifest.sha256"]); line != hex.EncodeToString(sum[:])+
		"  manifest.json\n" {
		t.Errorf("manifest.sha256 is %q, and the sum is %x", line, sum)
	}
	manifest := decode[struct {
		Format        int
		DatabaseID    string `json:"database_id"`
		TransactionID uint64 `json:"transaction_id"`
		MadeAt        string `json:"made_at"`
		Version       string
		Files         []struct {
			Name   string
			Bytes  int
			SHA256 string
		}
	}](t, files["manifest.json"])
	if manifest.Format != 1 || len(manifest.DatabaseID) != 32 || manifest.TransactionID == 0 ||
		manifest.MadeAt == "" || manifest.Version == "" {
		t.Errorf("the manifest is %s", files["manifest.json"])
	}
	output := false
	for _, file := range manifest.Files {
		sum := sha256.Sum256(files[file.Name])
		if len(files[file.Name]) != file.Bytes || hex.EncodeToString(sum[:]) != file.SHA256 {
			t.Errorf("%s is not what the manifest says: %+v", file.Name, file)
		}
		output = output || strings.HasPrefix(file.Name, "output/")
	}
	if len(files) != len(manifest.Files)+2 || !output {
		t.Errorf("%d files, of which the manifest names %d", len(files), len(manifest.Files))
	}
	requireAbsent(t, "the backup", answer.Body, []string{"Admin", "seq 1 5000", "log_level"})
}

func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
