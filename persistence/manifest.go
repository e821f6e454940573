package persistence

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gusty/internal/private"
)

// A backup is a tar archive: gusty.db, the files of output/, then manifest.json, and last
// manifest.sha256, the SHA-256 of the manifest in the form of sha256sum. An archive that was cut
// short has no manifest.
const (
	manifestName    = "manifest.json"
	manifestSumName = "manifest.sha256"
)

// backupFormat numbers the form of the archive and of its manifest.
const backupFormat = 1

// Manifest says what a backup holds.
type Manifest struct {
	Format        int            `json:"format"`
	DatabaseID    string         `json:"database_id"`    // 32 hexadecimal digits
	TransactionID uint64         `json:"transaction_id"` // of the newest transaction in it
	MadeAt        time.Time      `json:"made_at"`
	Version       string         `json:"version"` // of the agent that made it; empty where none was told
	Files         []ManifestFile `json:"files"`
}

// ManifestFile is one file of a backup.
type ManifestFile struct {
	Name   string `json:"name"` // with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// manifestWriter writes a manifest file by file: of very many, none is kept in memory.
type manifestWriter struct {
	file *os.File
	out  *bufio.Writer
	some bool
}

func newManifestWriter(path string, m *Manifest) (*manifestWriter, error) {
	head := *m
	head.Files = []ManifestFile{}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	file, err := private.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	w := &manifestWriter{file: file, out: bufio.NewWriter(file)}
	_, err = w.out.Write(text[:len(text)-len("]}")])
	return w, err
}

func (w *manifestWriter) Add(f ManifestFile) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	separator := "\n"
	if w.some {
		separator = ",\n"
	}
	w.some = true
	_, err = fmt.Fprint(w.out, separator, string(text))
	return err
}

// Finish ends the text, and goes back to its beginning.
func (w *manifestWriter) Finish() (bytes int64, err error) {
	_, err = w.out.WriteString("\n]}\n")
	if err = errors.Join(err, w.out.Flush()); err != nil {
		return 0, err
	}
	if bytes, err = w.file.Seek(0, io.SeekEnd); err != nil {
		return 0, err
	}
	_, err = w.file.Seek(0, io.SeekStart)
	return bytes, err
}

// sumLine is the line of manifest.sha256.
func sumLine(sum []byte) string { return hex.EncodeToString(sum) + "  " + manifestName + "\n" }

// checkedCopy copies exactly size bytes and returns their SHA-256.
func checkedCopy(to io.Writer, from io.Reader, size int64) ([]byte, error) {
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(to, sum), from, size); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return sum.Sum(nil), nil
}
