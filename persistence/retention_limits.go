package persistence

import (
	"time"

	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// runBounds are the agent-wide bounds of the history. The committer keeps them, and reads them
// again when a commit has changed a parameter.
type runBounds struct {
	bytes uint64        // of rows and output files of all runs
	age   time.Duration // since a run was made
}

// mostBytes is what runs may take where output waits to be shipped: a quarter more.
func (b runBounds) mostBytes() uint64 { return b.bytes + b.bytes/4 }

// ApartBytes is what the records of what did not run may take while the history is full: an eighth.
func (b runBounds) apartBytes() uint64 { return b.bytes / 8 }

// readBounds returns the bounds that are in force.
func (r *reader) readBounds() (runBounds, error) {
	var rows []messages.StoredParameter
	for _, name := range []string{messages.ParamRunsLimitBytes, messages.ParamRunsLimitAgeHours} {
		key := r.Hide(keyring.NameOfParameter, name)
		record, err := r.get(format.BucketParameters, key[:])
		if err != nil {
			return runBounds{}, err
		}
		if record == nil {
			continue
		}
		row, err := decodeParameter(record)
		if err != nil {
			return runBounds{}, format.DamagedRow(format.BucketParameters)
		}
		rows = append(rows, row)
	}
	config := messages.NewConfig(0, rows)
	return runBounds{
		bytes: uint64(config.Int(messages.ParamRunsLimitBytes)),
		age:   time.Duration(config.Int(messages.ParamRunsLimitAgeHours)) * time.Hour,
	}, nil
}
