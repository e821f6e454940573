package persistence

import (
	"archive/tar"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"gusty/persistence/internal/datadir"
)

// WriteTo writes the backup as a tar archive, with bounded memory.
func (b *Backup) WriteTo(w io.Writer) (int64, error) {
	t := &backupTar{counted: counted{to: w}, at: b.manifest.MadeAt}
	t.archive = tar.NewWriter(&t.counted)
	path := filepath.Join(b.dir, manifestName)
	manifest, err := newManifestWriter(path, &b.manifest)
	if err == nil {
		t.manifest = manifest
		err = errors.Join(t.writeAll(b), manifest.file.Close())
	}
	return t.counted.n, err
}

// counted counts what goes through it.
type counted struct {
	to io.Writer
	n  int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// backupTar is an archive that is being written.
type backupTar struct {
	counted  counted
	archive  *tar.Writer
	manifest *manifestWriter
	at       time.Time
}

func (t *backupTar) writeAll(b *Backup) error {
	if err := t.writeFile(filepath.Join(b.dir, datadir.DatabaseName), datadir.DatabaseName,
		-1); err != nil {
		return err
	}
	err := eachFile(filepath.Join(b.dir, datadir.OutputName), func(name string) error {
		size, grows := b.growing[name]
		if !grows {
			size = -1
		}
		return t.writeFile(filepath.Join(b.dir, datadir.OutputName, name), datadir.OutputName+"/"+
			name, size)
	})
	if err != nil {
		return err
	}
	return t.writeManifest()
}

// writeFile adds the first size bytes of a file, or all of it where size is negative.
func (t *backupTar) writeFile(path, name string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if size < 0 {
		info, err := f.Stat()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		size = info.Size()
	}
	sum, err := t.write(name, f, size)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(t.manifest.Add(ManifestFile{
		Name:   name,
		Bytes:  size,
		SHA256: hex.EncodeToString(sum),
	}), f.Close())
}

func (t *backupTar) writeManifest() error {
	size, err := t.manifest.Finish()
	if err != nil {
		return err
	}
	sum, err := t.write(manifestName, t.manifest.file, size)
	if err != nil {
		return err
	}
	line := sumLine(sum)
	if err := t.header(manifestSumName, int64(len(line))); err != nil {
		return err
	}
	_, err = io.WriteString(t.archive, line)
	return errors.Join(err, t.archive.Close())
}

func (t *backupTar) write(name string, from io.Reader, size int64) (sum []byte, err error) {
	if err := t.header(name, size); err != nil {
		return nil, err
	}
	return checkedCopy(t.archive, from, size)
}

func (t *backupTar) header(name string, size int64) error {
	return t.archive.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: t.at})
}
