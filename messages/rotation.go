package messages

import "time"

// RotationState says what a rotation of the data key is at.
type RotationState string

// The states of a rotation.
const (
	RotationIdle     RotationState = "idle"   // one data key, which sealed everything
	RotationOfRows   RotationState = "rows"   // rows are sealed anew
	RotationOfOutput RotationState = "output" // then files of output are
)

// KeyRotation tells which data key seals, and how far the rotation to it is.
type KeyRotation struct {
	State          RotationState
	KeyVersion     uint32
	Seals          uint64    // values that this key has sealed
	RotatesAtSeals uint64    // the number of them at which the next one is made by itself
	Rows           uint64    // sealed rows that there were at the begin; 0 where none is under way
	RowsLeft       uint64    // of these, those that older keys sealed
	FilesLeft      uint64    // files of output that are yet to be looked at
	BeganAt        time.Time // zero where none is under way
	LastError      string    // why it does not go on, or what it leaves out
}
