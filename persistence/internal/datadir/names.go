package datadir

// The names in the data directory.
const (
	DatabaseName   = "gusty.db"
	KeyName        = "key"
	OutputName     = "output"
	GenerationName = "generation"
	StartsName     = "starts"
)

// Unfinished is the suffix of a database that is being made. It gets its name when it and the key
// are durable.
const Unfinished = ".new"

// asideTime is the form of the time in the name of a file that was moved aside.
const asideTime = "20060102T150405Z"

// Compacting is the suffix of the file that a compaction writes. It gets the database's name when
// it is whole, compared and durable: until then the database is the old file, and what is left of
// the new one is removed by the next start.
const Compacting = ".compacting"
