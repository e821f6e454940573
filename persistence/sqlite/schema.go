package sqlite

import (
	"strings"

	"gusty/messages"
)

// column is one column with the type that the Rust agent declares.
type column struct {
	name string
	kind kind
	most int64 // bytes that a value may have
}

type kind string

const (
	kindText    kind = "TEXT"
	kindInteger kind = "INTEGER"
	kindBlob    kind = "BLOB"
)

// Bounds of values, in bytes. What is within them may still be refused for what it is.
const (
	mostText    = 64 << 10
	mostContent = 4 << 20  // a script of messages.MaxScriptBytes in base64, with line breaks
	mostOptions = 40 << 20 // messages.MaxEnvironment values
)

// The columns that are more than a text or a number: a script in base64, and options as JSON.
const (
	contentColumn = "content"
	optionsColumn = "options"
)

// relation is one table of an agent's file.
type relation struct {
	name    string
	columns []column
}

// tables lists every table of an agent's file, in the order in which they are read.
func tables() []relation {
	text := func(name string) column { return column{name, kindText, mostText} }
	integer := func(name string) column { return column{name, kindInteger, 0} }
	options := column{optionsColumn, kindText, mostOptions}
	return []relation{
		{
			messages.TableVersion,
			[]column{text("version"), integer("version_valid"), text("build_date")},
		},
		{
			messages.TableConfig,
			[]column{
				text("param_name"), text("global_value"), text("local_value"),
				integer("can_modify"),
			},
		},
		{messages.TableJobs, []column{
			text("script_name"),
			{contentColumn, kindBlob, mostContent},
			text("cron_expression"), text("arguments"), integer("script_type"),
			text("opensearch_index"), integer("opensearch_enabled"),
		}},
		{messages.TableUsers, []column{text("user_name"), text("password")}},
		{
			messages.TableApps,
			[]column{text("user_name"), text("password"), text("endpoint"), text("purpose")},
		},
		{messages.TableJobOptions, []column{text("script_name"), options}},
		{messages.TableUserOptions, []column{text("user_name"), options}},
		{messages.TableRuns, []column{
			text("run_id"), text("script_name"), text("kind"), text("state"), text("reason"),
			text("trigger"), text("principal"),
			integer("attempt"), text("due_at"), text("started_at"), text("ended_at"),
			integer("exit_code"), text("signal"),
			integer("stdout_bytes"), integer("stderr_bytes"), integer("stdout_truncated"),
			integer("stderr_truncated"),
		}},
		{messages.TableRunOutput, []column{
			text("run_id"), integer("sequence"), text("stream"), text("at"),
			{"data", kindBlob, mostContent},
			integer("skipped_bytes"),
		}},
	}
}

func tableOf(name string) (relation, bool) {
	for _, t := range tables() {
		if t.name == name {
			return t, true
		}
	}
	return relation{}, false
}

// create returns the statement that makes the table, as the Rust agent writes it.
func (t *relation) create() string {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = c.name + " " + string(c.kind)
	}
	return "CREATE TABLE " + t.name + " (" + strings.Join(columns, ",") + ")"
}

// insert returns the statement that adds some rows at once.
func (t *relation) insert(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",") + ")"
	return "INSERT INTO " + t.name + " VALUES " +
		strings.TrimSuffix(strings.Repeat(one+",", rows), ",")
}
