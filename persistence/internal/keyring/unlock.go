package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"gusty/persistence/internal/format"
)

// OpenKey returns the key of a database by its header. A change of the key file that was cut short
// is finished.
func OpenKey(database string, source KeySource, h *Header) (Key, error) {
	if h.KekKind != source.Kind() {
		return Key{}, fmt.Errorf("%w %s: it needs %s, and %s was given; name the right one "+
			"(docs/storage.md, Keys)",
			format.ErrWrongKey, database, KindName(h.KekKind), source)
	}
	kek, err := source.Key(&h.Stretching)
	if err == nil && h.CheckKEK(kek) {
		return kek, nil
	}
	if file, ok := source.(KeyFile); ok {
		if fresh, found := file.prepared(h); found {
			_, err := ReplaceKeyFile(file.Path)
			return fresh, err
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return kek, fmt.Errorf("%w: there is %s, but no key at %s; restore the key from a copy, "+
			"or %s",
			format.ErrWrongKey, database, source.(KeyFile).Path, HowToNameTheKey)
	case err != nil:
		return kek, err
	}
	return kek, fmt.Errorf("%w %s: %s is another one than it was made with; restore that one, or "+
		"%s",
		format.ErrWrongKey, database, source, HowToNameTheKey)
}

func KindName(kind byte) string {
	if kind == KekPassphrase {
		return "a passphrase"
	}
	return "a key file or credential"
}

// KeyOfUnreadable returns the key for a file without a readable header, which the verification will
// name what is wrong with.
func KeyOfUnreadable(source KeySource) (Key, error) {
	if source.Kind() == KekPassphrase {
		return Key{}, nil // it can't be stretched: the salt is gone
	}
	return source.Key(nil)
}

// FindHeaders looks for whole headers anywhere in a damaged file: older pages may have some, also
// of before the key was changed.
func FindHeaders(path string) ([]Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look for the header: %w", err)
	}
	found, err := scanForHeaders(f)
	return found, errors.Join(err, f.Close())
}

func scanForHeaders(f io.Reader) (found []Header, err error) {
	buf := make([]byte, 0, 64<<10)
	for {
		n, err := io.ReadFull(f, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		for _, h := range headersIn(buf) {
			if !slices.Contains(found, h) {
				found = append(found, h)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		buf = append(buf[:0], buf[len(buf)-headerBytes:]...) // one may lie across the border
	}
}

func headersIn(b []byte) (found []Header) {
	for {
		at := bytes.Index(b, []byte(HeaderMagic))
		if at < 0 {
			return found
		}
		b = b[at:]
		for _, size := range []int{headerBytes, headerBytes1} {
			if len(b) < size {
				continue
			}
			if h, err := ParseHeader(b[:size]); err == nil {
				found = append(found, h)
			}
		}
		b = b[1:]
	}
}
