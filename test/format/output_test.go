package format

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// piece is a stretch of what a run printed: docs/storage.md, Output files.
type piece struct {
	sequence, offset uint64
	stream           byte
	data             []byte
}

// output returns what a run printed to a stream, as far as it lies in files, with a mark where
// bytes were left out.
func (s *store) output(run string, stream byte) (string, error) {
	var pieces []piece
	for segment := range byte(5) {
		more, err := s.segment(run, segment)
		if err != nil {
			return "", err
		}
		pieces = append(pieces, more...)
	}
	slices.SortFunc(pieces, func(a, b piece) int {
		return 2*bytes.Compare(number(a.sequence), number(b.sequence)) +
			bytes.Compare(number(a.offset), number(b.offset))
	})
	var text strings.Builder
	end := uint64(0)
	for _, p := range pieces {
		if p.stream != stream {
			continue
		}
		if p.offset > end {
			text.WriteString("…")
		}
		text.Write(p.data)
		end = p.offset + uint64(len(p.data))
	}
	return text.String(), nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// segment reads the whole frames of one file.
func (s *store) segment(run string, segment byte) (pieces []piece, err error) {
	file, err := os.ReadFile(filepath.Join(s.dir, "output", fmt.Sprintf("%s.%d", run, segment)))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(strings.ReplaceAll(run, "-", ""))
	if err != nil || string(file[:10]) != "GUSTYOUT\x00\x01" {
		return nil, fmt.Errorf("the file of %s begins with % x (%w)", run, file[:10], err)
	}
	data, salt := s.keys[binary.BigEndian.Uint32(file[10:])], file[14:30]
	key := derive(data, salt,
		string(slices.Concat([]byte("gusty 1 output\x00"), s.database, id, []byte{segment})))
	for rest := file[30:]; len(rest) >= 12; {
		size := binary.BigEndian.Uint32(rest)
		if uint32(len(rest)) < 12+size {
			break
		}
		p, err := open(key, slices.Concat(make([]byte, 4), rest[4:12]), rest[12:12+size],
			slices.Concat(id, []byte{segment}, rest[4:12]))
		if err != nil {
			return nil, err
		}
		pieces = append(pieces,
			piece{binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:]), p[24], p[25:]})
		rest = rest[12+size:]
	}
	return pieces, nil
}
