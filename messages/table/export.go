package table

// ExportQuery says what an export holds beside the tables.
type ExportQuery struct {
	Runs    bool // runs, and what they printed
	Secrets bool // hashes, passwords and values of environments as they are, instead of Mask
}

// Requests to hand rows out.
type (
	// GetExport asks for every row. Reply: Export.
	GetExport struct{ Query ExportQuery }
	// Export calls back with the rows one by one, all of one moment; Each returns the first error
	// of each or of the store.
	Export struct {
		Each func(each func(TableRow) error) error
	}
)
