package persistence

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"gusty/messages"
)

// FuzzRecord: whatever a record holds, the decoders end, and what they take they write in a form
// that they read again.
func FuzzRecord(f *testing.F) {
	for _, encode := range []func(*encoder){
		func(e *encoder) { j := testJob("job"); encodeJob(e, &j) },
		func(e *encoder) { r := testRun(1, "job", messages.RunFailed); encodeRun(e, &r) },
		func(e *encoder) {
			(&runKeeping{
				fileBytes: 1 << 40,
				documents: []uint64{1, 1 << 60},
				letters:   []runKey{{1}, {2}},
			}).append(e, true)
		},
		func(e *encoder) {
			e.uint(listRan, 3)
			e.uint(listApart, 2)
			e.bytes(listRecent, make([]byte, 1+len(runKey{})))
		},
		func(e *encoder) {
			encodeJobState(e, &messages.JobState{Anchor: time.Unix(1, 2), Paused: true})
		},
		func(e *encoder) {
			encodeDocument(e, &messages.Document{
				Class:  messages.DocumentHealth,
				ID:     "1",
				Output: &messages.OutputRef{RunID: "r"},
			})
		},
	} {
		var e encoder
		encode(&e)
		f.Add(e.buf)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		_, _ = decodeRun(runKey{}, record, true)
		_, _ = decodeJobState(record)
		_, _ = decodeDocument(record)
		_, _ = decodeParameter(record)
		_, _ = decodeUser(record)
		_, _ = parseLedger(record)
		_, _ = parseRunList(record)
		checkKeeping(t, record)
		job, err := decodeJob(record, false)
		if err != nil {
			return
		}
		var first, second encoder
		encodeJob(&first, &job)
		again, err := decodeJob(first.buf, false)
		encodeJob(&second, &again)
		if err != nil || !bytes.Equal(first.buf, second.buf) {
			t.Errorf("%v: %x became %x", err, first.buf, second.buf)
		}
	})
}

// checkKeeping reads what a record notes of a run, and writes it again.
func checkKeeping(t *testing.T, record []byte) {
	t.Helper()
	kept, err := parseKeeping(record)
	if err != nil {
		return
	}
	var e encoder
	kept.append(&e, true)
	again, err := parseKeeping(e.buf)
	again.state, again.begun = kept.state, kept.begun // from the fields of the run itself
	if err != nil || !reflect.DeepEqual(again, kept) {
		t.Errorf("%+v became %+v, %v", kept, again, err)
	}
}

// FuzzVerify: no file makes the verification panic, and none but the stored one is taken.
func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	fillStore(f, dir)
	kek, err := ReadKeyFile(filepath.Join(dir, keyName))
	if err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{1}, uint32(0))
	f.Add(uint32(4096+32), []byte{9, 9}, uint32(100_000))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		altered := bytes.Clone(file[:len(file)-int(cut)%len(file)])
		copy(altered[int(at)%len(altered):], patch)
		path := filepath.Join(t.TempDir(), databaseName)
		if err := os.WriteFile(path, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = VerifyFile(path, kek)
	})
}

// FuzzHeader: what is taken for a header is written as it was read, and asks for no more than is
// bearable.
func FuzzHeader(f *testing.F) {
	for _, kind := range []byte{kekFile, kekPassphrase} {
		h, err := newHeader(kind, time.Unix(1_800_000_000, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(h.marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		b = binary.BigEndian.AppendUint32(b[:len(b)-4:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		if got := h.marshal(); !bytes.Equal(got, b) || h.kekKind == kekPassphrase &&
			!h.stretching.isSane() {
			t.Errorf("%x became %x", b, got)
		}
	})
}
