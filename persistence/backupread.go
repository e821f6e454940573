package persistence

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// ErrBackup says that what should be a backup is none, is cut short, or is altered.
var ErrBackup = errors.New("not a whole backup")

// maxManifestBytes bounds what is read of a manifest: a million output files.
const maxManifestBytes = 256 << 20

// ReadBackup reads a backup, hands each of its files to put, and then checks all of them against
// the manifest. put must read content to its end, and must not trust it before ReadBackup has
// returned without an error. An error that wraps ErrBackup says what is wrong with the archive.
func ReadBackup(in io.Reader, put func(name string, content io.Reader) error) (Manifest, error) {
	r := &backupReader{archive: tar.NewReader(in), put: put, sums: map[string]ManifestFile{}}
	for {
		header, err := r.archive.Next()
		if errors.Is(err, io.EOF) {
			return r.manifest, r.Check()
		}
		if err != nil {
			return r.manifest, notWhole(err)
		}
		if err := r.read(header); err != nil {
			return r.manifest, err
		}
	}
}

func notWhole(detail error) error { return fmt.Errorf("%w: %w", ErrBackup, detail) }

type backupReader struct {
	archive  *tar.Reader
	put      func(name string, content io.Reader) error
	sums     map[string]ManifestFile // as they were read
	manifest Manifest
	text     []byte // of the manifest
	sum      string // of the manifest, as the archive has it
}

func (r *backupReader) read(h *tar.Header) (err error) {
	switch {
	case h.Typeflag != tar.TypeReg || !inBackup(h.Name):
		return notWhole(fmt.Errorf("it holds %q, which is no part of a backup", h.Name))
	case h.Name == manifestName:
		r.text, err = r.small(h, maxManifestBytes)
	case h.Name == manifestSumName:
		var line []byte
		line, err = r.small(h, sha256.Size*4)
		r.sum = string(line)
	default:
		err = r.file(h)
	}
	return err
}

// inBackup reports whether a backup may have a file of this name. No other is ever written,
// wherever it would lead.
func inBackup(name string) bool {
	dir, base := path.Split(name)
	switch dir {
	case "":
		return name == datadir.DatabaseName || name == manifestName || name == manifestSumName
	case datadir.OutputName + "/":
		run, ok := format.ParseRunKey(trimSegment(base))
		for number := range segmentCount {
			if ok && base == path.Base(segmentPath("", run, number)) {
				return true
			}
		}
	}
	return false
}

func (r *backupReader) small(h *tar.Header, most int64) ([]byte, error) {
	if h.Size > most {
		return nil, notWhole(fmt.Errorf("its %s has %d bytes", h.Name, h.Size))
	}
	text, err := io.ReadAll(r.archive)
	if err != nil {
		return nil, notWhole(err)
	}
	return text, nil
}

func (r *backupReader) file(h *tar.Header) error {
	if _, twice := r.sums[h.Name]; twice {
		return notWhole(fmt.Errorf("it holds %s twice", h.Name))
	}
	sum := sha256.New()
	content := &faithful{from: io.TeeReader(r.archive, sum)}
	if err := r.put(h.Name, content); err != nil {
		if content.err != nil {
			return notWhole(content.err)
		}
		return err
	}
	r.sums[h.Name] = ManifestFile{
		Name:   h.Name,
		Bytes:  h.Size,
		SHA256: hex.EncodeToString(sum.Sum(nil)),
	}
	return nil
}

// faithful remembers the error of what it reads from, to tell it from one of the place that it is
// copied to.
type faithful struct {
	from io.Reader
	err  error
}

func (f *faithful) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// Check compares what was read with the manifest.
func (r *backupReader) Check() error {
	switch sum := sha256.Sum256(r.text); {
	case r.text == nil || r.sum == "":
		return notWhole(errors.New("its manifest is missing, so it was cut short"))
	case r.sum != sumLine(sum[:]):
		return notWhole(errors.New("its manifest is altered"))
	}
	if err := json.Unmarshal(r.text, &r.manifest); err != nil {
		return notWhole(fmt.Errorf("its manifest can't be read: %w", err))
	}
	if r.manifest.Format != backupFormat {
		return notWhole(fmt.Errorf("its form is %d, and this program knows %d; use a newer one",
			r.manifest.Format, backupFormat))
	}
	return r.Compare()
}

func (r *backupReader) Compare() error {
	for _, want := range r.manifest.Files {
		have, ok := r.sums[want.Name]
		switch {
		case !ok:
			return notWhole(fmt.Errorf("%s is missing", want.Name))
		case have != want:
			return notWhole(fmt.Errorf("%s is altered", want.Name))
		}
		delete(r.sums, want.Name)
	}
	if len(r.manifest.Files) == 0 || r.manifest.Files[0].Name != datadir.DatabaseName {
		return notWhole(errors.New("it has no database"))
	}
	for name := range r.sums {
		return notWhole(fmt.Errorf("%s does not belong to it", name))
	}
	return nil
}
