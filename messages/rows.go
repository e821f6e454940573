package messages

// The tables of an export: the five of the Rust agent's SQLite file, and what Gusty adds for what
// those lack.
const (
	TableVersion     = "agent_version"
	TableConfig      = "server_config"
	TableJobs        = "scheduled_jobs"
	TableUsers       = "user_creds"
	TableApps        = "node_app_details"
	TableJobOptions  = "gusty_job_options"
	TableUserOptions = "gusty_user_options"
	TableRuns        = "gusty_runs"
	TableRunOutput   = "gusty_run_output"
)

// VersionRow is a build that the agent knows of.
type VersionRow struct {
	Version   string `json:"version"`
	Valid     int64  `json:"version_valid"`
	BuildDate string `json:"build_date"`
}

// Table returns the table's name.
func (VersionRow) Table() string { return TableVersion }

// RowName returns the version.
func (r VersionRow) RowName() string { return r.Version }

// AppRow is an account that the Rust agent used for its updates. Password is Mask where secrets
// stay inside.
type AppRow struct {
	User     string `json:"user_name"`
	Password Secret `json:"password"`
	Endpoint string `json:"endpoint"`
	Purpose  string `json:"purpose"`
}

// Table returns the table's name.
func (AppRow) Table() string { return TableApps }

// RowName returns the purpose.
func (r AppRow) RowName() string { return r.Purpose }
