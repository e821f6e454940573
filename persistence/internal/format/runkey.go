package format

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"gusty/messages"
)

// RunKey is a run's UUIDv7 in binary: its order is the order of making.
type RunKey [16]byte

// ParseRunKey reads the 36 characters of a UUID.
func ParseRunKey(id string) (key RunKey, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return key, false
	}
	digits := make([]byte, 0, 32)
	for _, part := range []string{id[:8], id[9:13], id[14:18], id[19:23], id[24:]} {
		digits = append(digits, part...)
	}
	_, err := hex.Decode(key[:], digits)
	return key, err == nil
}

// String returns the UUID as text.
func (k RunKey) String() string {
	var text [36]byte
	hex.Encode(text[:8], k[:4])
	text[8] = '-'
	hex.Encode(text[9:13], k[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], k[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], k[8:10])
	text[23] = '-'
	hex.Encode(text[24:], k[10:])
	return string(text[:])
}

// StateNumber returns the number that stands for a state in the file: its place in
// messages.RunStates, from 1 on; 0 is no state.
func StateNumber(s messages.RunState) byte {
	return byte(slices.Index(messages.RunStates(), s) + 1)
}

// StateOf returns the state of a number; empty where there is none.
func StateOf(number uint64) messages.RunState {
	states := messages.RunStates()
	if number == 0 || number > uint64(len(states)) {
		return ""
	}
	return states[number-1]
}

// ByJob returns the run's key in the order of its job: the last 16 bytes are the run's, as in the
// other orders.
func (k RunKey) ByJob(job NameKey) []byte { return append(job[:], k[:]...) }

// ByState returns the run's key in the order of its state.
func (k RunKey) ByState(state byte) []byte { return append([]byte{state}, k[:]...) }

// ByJobState returns the run's key in the order of its job and state.
func (k RunKey) ByJobState(job NameKey, state byte) []byte {
	return append(append(job[:], state), k[:]...)
}

// MadeAt returns the time of a run's id, to the millisecond.
func (k RunKey) MadeAt() time.Time {
	var ms [8]byte
	copy(ms[2:], k[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}
