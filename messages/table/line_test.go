package table

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gusty/messages"
)

func sampleRows() []TableRow {
	options := messages.DefaultJobOptions()
	options.Environment = map[string]messages.Secret{"A": "b\"", "ü": ""}
	paused, code := true, int64(3)
	return []TableRow{
		messages.VersionRow{Version: " ", Valid: 1, BuildDate: "2026"},
		ConfigRow{Name: "p", Global: "a\\b", Local: "ü<&>", CanModify: 1},
		JobTableRow{
			Name:              "j\"",
			Content:           []byte{0, 1, 255},
			CronExpression:    "* * * * *",
			Arguments:         "a",
			Type:              1,
			OpenSearchIndex:   "i",
			OpenSearchEnabled: 1,
		},
		UserTableRow{Name: "u", Password: "$2b$"},
		messages.AppRow{User: "a", Password: "s", Endpoint: "e", Purpose: "p"},
		JobOptionsRow{
			Name:    "j",
			Options: StoredJobOptions{JobOptionsPatch: options.Patch(), Paused: &paused},
		},
		UserOptionsRow{
			Name: "u",
			Options: StoredUserOptions{
				Scopes:   []messages.Scope{messages.ScopeRead},
				Disabled: true,
			},
		},
		RunTableRow{ID: "r", Kind: "job", State: "failed", ExitCode: &code, StdoutBytes: 5},
		RunOutputRow{
			RunID:        "r",
			Sequence:     1,
			Stream:       "stdout",
			At:           "t",
			Data:         []byte("x\n"),
			SkippedBytes: 2,
		},
	}
}

func TestEveryRowIsReadAsItWasWritten(t *testing.T) {
	for _, row := range sampleRows() {
		line, err := AppendLine(nil, row)
		if err != nil || bytes.Count(line, []byte{'\n'}) != 1 || !json.Valid(line) {
			t.Fatalf("%s: %q, %v", row.Table(), line, err)
		}
		got, err := ParseLine(bytes.TrimSpace(line))
		if err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%s came back as %+v, %v", line, got, err)
		}
	}
}

// A row that comes as a pointer, and the options by themselves, are written as the value is.
func TestEveryWayOfWritingIsTheSame(t *testing.T) {
	rows := sampleRows()
	job, options := rows[2].(JobTableRow), rows[5].(JobOptionsRow)
	for _, pair := range [][2]TableRow{{job, &job}, {options, &options}} {
		value, _ := AppendLine(nil, pair[0])
		pointer, err := AppendLine(nil, pair[1])
		if err != nil || !bytes.Equal(value, pointer) {
			t.Errorf("%s and %s, %v", value, pointer, err)
		}
	}
	alone, err := json.Marshal(options.Options)
	line, _ := AppendLine(nil, options)
	if err != nil || !bytes.Contains(line, alone) || !strings.Contains(string(alone), `"environment":{"A":"b\""`) {
		t.Errorf("%s, %v", alone, err)
	}
	masked, err := json.Marshal(
		messages.JobOptionsPatch{Environment: &map[string]messages.Secret{"A": "b"}})
	if err != nil || strings.Contains(string(masked), `"b"`) {
		t.Errorf("a patch reveals %s, %v", masked, err)
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, line := range []string{
		"", "x", "[]", "{}", `{"table":"user_creds"}`, `{"table":"user_creds","row":null}`, `{"table":"user_creds","row":[]}`,
		`{"table":"nothing","row":{}}`, `{"table":"user_creds","row":{"name":"a"}}`, `{"table":"user_creds","row":{},"more":1}`,
		`{"table":"user_creds","row":{}} {}`, `{"table":"server_config","row":{"can_modify":"1"}}`, `{"table":"scheduled_jobs","row":{"content":"!"}}`,
		`{"table":"scheduled_jobs","row":{"script_type":1.5}}`, "{\"table\":\"user_creds\",\"row\":{\"user_name\":\"\xff\"}}",
		`{"table":"gusty_job_options","row":{"script_name":"a","options":{"colour":"red"}}}`,
		`{"table":"` + strings.Repeat("x", 5000) + `","row":{}}`,
	} {
		row, err := ParseLine([]byte(line))
		if err == nil {
			t.Errorf("%.80s was taken as %+v", line, row)
		} else if len(err.Error()) > 400 {
			t.Errorf("%.80s is refused in %d bytes", line, len(err.Error()))
		}
	}
}

func TestALineThatIsNoneSaysWhichRowAndWhatOfIt(t *testing.T) {
	for row, want := range map[string]LineError{
		`"scheduled_jobs","row":{"content":"***","script_name":"a"}`:                    {messages.TableJobs, "a", "content is not base64"},
		`"scheduled_jobs","row":{"script_name":"a","script_type":"x"}`:                  {messages.TableJobs, "a", "script_type has a value of the wrong kind (string)"},
		`"scheduled_jobs","row":{"arguments":{"a":1},"script_name":"a"}`:                {messages.TableJobs, "a", "arguments has a value of the wrong kind (object)"},
		`"scheduled_jobs","row":{"script_name":5}`:                                      {messages.TableJobs, "", "script_name has a value of the wrong kind (number)"},
		`"user_creds","row":{"user_name":"u","x":1}`:                                    {messages.TableUsers, "u", "it has no x"},
		`"node_app_details","row":{"purpose":"p","zz":1}`:                               {messages.TableApps, "p", "it has no zz"},
		`"gusty_job_options","row":{"script_name":"a","options":{"nope":1}}`:            {messages.TableJobOptions, "a", "it has no options.nope"},
		`"gusty_job_options","row":{"options":{"keep_runs":"5"},"script_name":"a"}`:     {messages.TableJobOptions, "a", "options.keep_runs has a value"},
		`"gusty_job_options","row":{"options":{"environment":{"A":1}}}`:                 {messages.TableJobOptions, "", "options.environment.A has a value"},
		`"gusty_job_options","row":{"options":{"success_exit_codes":[0,"1"]}}`:          {messages.TableJobOptions, "", "options.success_exit_codes has a value"},
		`"gusty_user_options","row":{"user_name":"u","options":{"disabled":"yes"}}`:     {messages.TableUserOptions, "u", "options.disabled has a value"},
		`"gusty_run_output","row":{"run_id":"r","data":"?"}`:                            {messages.TableRunOutput, "r", "data is not base64"},
		`"user_creds","row":null`:                                                       {messages.TableUsers, "", "an object"},
		`"` + strings.Repeat("t", 300) + `","row":{}`:                                   {"", "", "is no table"},
		`"user_creds","row":{"` + strings.Repeat("n", 3000) + `":1,"user_name":"long"}`: {messages.TableUsers, "long", "it has no nnn"},
	} {
		_, err := ParseLine([]byte(`{"table":` + row + `}`))
		got := LineFault(err)
		if got.Table != want.Table || got.Name != want.Name ||
			!strings.Contains(got.Why, want.Why) || len(got.Why) > 400 {
			t.Errorf("%.120s: got %+v, want %+v", row, got, want)
		}
	}
}

func TestAColumnMayBeAbsentOrNull(t *testing.T) {
	row, err := ParseLine([]byte(`{"table":"scheduled_jobs","row":{"script_name":"a","content":null}}`))
	if job, ok := row.(JobTableRow); err != nil || !ok || job.Name != "a" || job.Content != nil {
		t.Errorf("%+v, %v", row, err)
	}
}

// FuzzLine: whatever a line holds, reading it ends, and what is taken is written in a form that is
// read as the same row.
func FuzzLine(f *testing.F) {
	for _, row := range sampleRows() {
		line, _ := AppendLine(nil, row)
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := ParseLine(line)
		if err != nil {
			return
		}
		first, err := AppendLine(nil, row)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseLine(first)
		if err != nil {
			t.Fatalf("%s is not read again: %v", first, err)
		}
		second, err := AppendLine(nil, again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s and then %s, %v", first, second, err)
		}
	})
}
