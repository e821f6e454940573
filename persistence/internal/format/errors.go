package format

import (
	"errors"
	"fmt"
)

// Why a store does not open. Each is wrapped in a sentence that names the file and says what to do;
// nothing is overwritten in any case.
var (
	// ErrDamaged: the file was Gusty's and is not whole any more. It is also what a read gives for
	// a row that does not open.
	ErrDamaged = errors.New("the database is damaged")
	// ErrWrongKey: the key is another one, is unreadable, or is missing beside a database.
	ErrWrongKey = errors.New("the key does not open the database")
	// ErrNewerFormat: a later version of Gusty wrote the file.
	ErrNewerFormat = errors.New("the database was written by a newer version of Gusty")
	// ErrKeyWithoutDatabase: there is a key but no database, which is a loss and not a first start.
	ErrKeyWithoutDatabase = errors.New("there is a key but no database")
	// ErrRolledBack: the file has seen fewer transactions than is noted outside of it.
	ErrRolledBack = errors.New("the database is an older copy of itself")
)

// LeftAsItIs says what to do about a file that can't be used.
const LeftAsItIs = "it was left as it is: restore a backup (gustyctl restore FILE), " +
	"bring what is readable into a new one (gustyctl recover), or start with --start-empty to " +
	"move it aside"

func Damaged(path string, detail error) error {
	return fmt.Errorf("%w: %s: %w; %s", ErrDamaged, path, detail, LeftAsItIs)
}

func DamagedRow(b BucketID) error {
	return fmt.Errorf("%w: a row of %s does not open; restart the agent to have the file verified",
		ErrDamaged, b)
}
