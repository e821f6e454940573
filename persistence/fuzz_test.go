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
	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// FuzzRecord: whatever a record holds, the decoders end, and what they take they write in a form
// that they read again.
func FuzzRecord(f *testing.F) {
	for _, encode := range []func(*format.Encoder){
		func(e *format.Encoder) { j := testJob("job"); encodeJob(e, &j) },
		func(e *format.Encoder) { r := testRun(1, "job", messages.RunFailed); encodeRun(e, &r) },
		func(e *format.Encoder) {
			(&runKeeping{
				fileBytes: 1 << 40,
				documents: []uint64{1, 1 << 60},
				letters:   []format.RunKey{{1}, {2}},
			}).Append(e, true)
		},
		func(e *format.Encoder) {
			e.Uint(listRan, 3)
			e.Uint(listApart, 2)
			e.Bytes(listRecent, make([]byte, 1+len(format.RunKey{})))
		},
		func(e *format.Encoder) {
			encodeJobState(e, &messages.JobState{Anchor: time.Unix(1, 2), Paused: true})
		},
		func(e *format.Encoder) {
			encodeDocument(e, &messages.Document{
				Class:  messages.DocumentHealth,
				ID:     "1",
				Output: &messages.OutputRef{RunID: "r"},
			})
		},
	} {
		var e format.Encoder
		encode(&e)
		f.Add(e.Buf)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		_, _ = decodeRun(format.RunKey{}, record, true)
		_, _ = decodeJobState(record)
		_, _ = decodeDocument(record)
		_, _ = decodeParameter(record)
		_, _ = decodeUser(record)
		_, _ = format.ParseLedger(record)
		_, _ = parseRunList(record)
		checkKeeping(t, record)
		job, err := decodeJob(record, false)
		if err != nil {
			return
		}
		var first, second format.Encoder
		encodeJob(&first, &job)
		again, err := decodeJob(first.Buf, false)
		encodeJob(&second, &again)
		if err != nil || !bytes.Equal(first.Buf, second.Buf) {
			t.Errorf("%v: %x became %x", err, first.Buf, second.Buf)
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
	var e format.Encoder
	kept.Append(&e, true)
	again, err := parseKeeping(e.Buf)
	again.state, again.begun = kept.state, kept.begun // from the fields of the run itself
	if err != nil || !reflect.DeepEqual(again, kept) {
		t.Errorf("%+v became %+v, %v", kept, again, err)
	}
}

// FuzzVerify: no file makes the verification panic, and none but the stored one is taken.
func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	fillStore(f, dir)
	kek, err := keyring.ReadKeyFile(filepath.Join(dir, datadir.KeyName))
	if err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{1}, uint32(0))
	f.Add(uint32(4096+32), []byte{9, 9}, uint32(100_000))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		altered := bytes.Clone(file[:len(file)-int(cut)%len(file)])
		copy(altered[int(at)%len(altered):], patch)
		path := filepath.Join(t.TempDir(), datadir.DatabaseName)
		if err := os.WriteFile(path, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = verify.VerifyFile(path, kek)
	})
}

// FuzzHeader: what is taken for a header is written as it was read, and asks for no more than is
// bearable.
func FuzzHeader(f *testing.F) {
	for _, kind := range []byte{keyring.KekFile, keyring.KekPassphrase} {
		h, err := keyring.NewHeader(kind, time.Unix(1_800_000_000, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(h.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		b = binary.BigEndian.AppendUint32(b[:len(b)-4:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
		h, err := keyring.ParseHeader(b)
		if err != nil {
			return
		}
		if got := h.Marshal(); !bytes.Equal(got, b) || h.KekKind == keyring.KekPassphrase &&
			!h.Stretching.IsSane() {
			t.Errorf("%x became %x", b, got)
		}
	})
}
