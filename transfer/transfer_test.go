package transfer

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
	"gusty/messages/table"
)

func collect(t *testing.T, rules Rules, rows ...table.TableRow) []messages.ImportItem {
	t.Helper()
	c := NewCollector(rules)
	for i, row := range rows {
		if err := c.Add(i+1, row); err != nil {
			t.Fatal(err)
		}
	}
	return c.Items()
}

func aJob(name string) table.JobTableRow {
	return table.JobTableRow{
		Name:           name,
		Content:        []byte("echo\r\n"),
		CronExpression: "* * * * *",
		Type:           1,
	}
}

func hash(t *testing.T, password string, cost int) messages.Secret {
	t.Helper()
	text, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	// as the Rust agent writes it
	return messages.Secret(strings.Replace(string(text), "$2a$", "$2b$", 1))
}

func TestTheLastOfANameCounts(t *testing.T) {
	second := aJob("a")
	second.Arguments = "second"
	items := collect(t, Rules{}, aJob("a"), table.ConfigRow{
		Name:  "labels",
		Local: "a=1",
	}, second, table.ConfigRow{Name: "labels", Local: "a=2"},
		messages.AppRow{User: "x"}, messages.AppRow{User: "x"}, messages.VersionRow{Version: "1"},
		messages.VersionRow{Version: "1"})
	for i, want := range []messages.ImportOutcome{
		messages.ImportSuperseded,
		messages.ImportSuperseded, "", "", "", "", "", "",
	} {
		if items[i].Outcome != want {
			t.Errorf("line %d is %q", items[i].Place, items[i].Outcome)
		}
	}
	if items[2].Job.Job.Arguments != "second" || items[3].Parameter.Local != "a=2" ||
		!strings.Contains(items[0].Notes[0], "line 3") {
		t.Errorf("%+v", items)
	}
}

func TestOptionsJoinTheirJob(t *testing.T) {
	paused, zone, environment := true, "Europe/Berlin", map[string]messages.Secret{
		"A": messages.Mask,
	}
	options := table.JobOptionsRow{Name: "a", Options: table.StoredJobOptions{
		JobOptionsPatch: messages.JobOptionsPatch{
			TimeZone:    &zone,
			Environment: &environment,
		}, Paused: &paused,
	}}
	items := collect(t, Rules{}, options, aJob("a"), table.JobOptionsRow{Name: "nobody"})
	job := items[1].Job
	if items[0].Outcome != messages.ImportMerged || job.Patch != nil ||
		job.Job.Options.TimeZone != zone || !*job.Paused || job.Job.Options.KeepRuns != 100 {
		t.Errorf("%+v", items)
	}
	if job.Job.Options.Environment["A"] != messages.Mask {
		t.Error("a masked value is gone before the store could tell what it stands for")
	}
	if items[2].Outcome != messages.ImportRefused || string(job.Job.Content) != "echo\n" {
		t.Errorf("%+v", items[2])
	}
	if alone := collect(t, Rules{}, aJob("a"))[0].Job; alone.Patch == nil || alone.Paused != nil {
		t.Errorf("a job without options brings some: %+v", alone)
	}
}

func TestAJobThatCannotFireComesInDisabled(t *testing.T) {
	for name, change := range map[string]func(*table.JobTableRow){
		"cron_expression":  func(j *table.JobTableRow) { j.CronExpression = "99 * * * * *" },
		"arguments":        func(j *table.JobTableRow) { j.Arguments = "it's" },
		"opensearch_index": func(j *table.JobTableRow) { j.OpenSearchIndex = "Upper" },
	} {
		row := aJob("a")
		change(&row)
		item := collect(t, Rules{}, row)[0]
		if item.Job == nil || *item.Job.Patch.Enabled || item.Job.Job.Options.Enabled ||
			len(item.Notes) != 1 || !strings.HasPrefix(item.Notes[0], name) {
			t.Errorf("%s: %+v", name, item)
		}
	}
	limited := collect(t, Rules{CheckLimits: func(*messages.JobOptions) error {
		return errors.New("no cgroup")
	}}, aJob("a"))[0]
	if len(limited.Notes) != 1 || limited.Job.Job.Options.Enabled {
		t.Errorf("%+v", limited)
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	large := aJob("large")
	large.Content = make([]byte, messages.MaxScriptBytes+1)
	kind := aJob("kind")
	kind.Type = 7
	zero := 0
	rows := []table.TableRow{
		aJob(""), aJob("a\x00b"), aJob(strings.Repeat("n", 256)), large, kind,
		table.ConfigRow{Name: "server_port", Local: "70000"},
		table.ConfigRow{Name: "server_port", Global: "x"},
		table.ConfigRow{},
		table.ConfigRow{Name: "a\nb"},
		table.UserTableRow{Name: "a:b"},
		messages.AppRow{User: "a\x00"},
		messages.VersionRow{Version: "a\n"},
	}
	for i, item := range collect(t, Rules{}, rows...) {
		if item.Outcome != messages.ImportRefused || len(item.Notes) != 1 || item.Job != nil ||
			item.User != nil {
			t.Errorf("%+v is %+v", rows[i], item)
		}
	}
	bad := table.JobOptionsRow{
		Name: "a",
		Options: table.StoredJobOptions{
			JobOptionsPatch: messages.JobOptionsPatch{KeepRuns: &zero},
		},
	}
	if items := collect(t, Rules{}, aJob("a"), bad); items[0].Outcome != messages.ImportRefused {
		t.Errorf("options out of range: %+v", items)
	}
}

func TestParametersOfTheHostAreNotSetFromElsewhere(t *testing.T) {
	row := table.ConfigRow{Name: messages.ParamIPAddr, Local: "127.0.0.1"}
	if here, there := collect(t, Rules{}, row)[0], collect(t, Rules{Remote: true},
		row)[0]; here.HostOnly || !there.HostOnly {
		t.Errorf("%+v, %+v", here, there)
	}
}

func TestUsersOfTheOldAgent(t *testing.T) {
	items := collect(t, Rules{},
		table.UserTableRow{
			Name:     "old",
			Password: hash(t, "Pass", 4),
		}, table.UserTableRow{Name: "own", Password: hash(t, "own", 4)},
		table.UserTableRow{
			Name:     "masked",
			Password: messages.Mask,
		}, table.UserTableRow{Name: "plain", Password: "Pass"},
		table.UserTableRow{
			Name:     "slow",
			Password: "$2b$31$abcdefghijklmnopqrstuuMkE6WPZJd1a5NqJ7qEvRrcUQbVzxx.O",
		}, table.UserTableRow{Name: "reader", Password: hash(t, "own", 4)},
		table.UserOptionsRow{
			Name: "reader",
			Options: table.StoredUserOptions{
				Scopes:   []messages.Scope{messages.ScopeRead},
				Disabled: true,
			},
		})
	if u := items[0].User; !u.Disabled || len(items[0].Notes) != 1 {
		t.Errorf("the old default password: %+v", items[0])
	}
	if u := items[1].User; u.Disabled || !u.HasAll() ||
		bcrypt.CompareHashAndPassword([]byte(u.Hash.Reveal()), []byte("own")) != nil {
		t.Errorf("a password of one's own: %+v", items[1])
	}
	for _, item := range items[2:5] {
		if u := item.User; !u.Disabled || u.Hash != "" || len(item.Notes) != 1 {
			t.Errorf("a hash that is none: %+v", item)
		}
	}
	if u := items[5].User; !u.Disabled ||
		!slices.Equal(u.Scopes, []messages.Scope{messages.ScopeRead}) {
		t.Errorf("a user with scopes: %+v", items[5])
	}
}

func TestUnknownScopesAreTold(t *testing.T) {
	for _, scopes := range [][]messages.Scope{
		{"read", "bogus"},
		append(messages.AllScopes(), "bogus", "x", "y", "z", "a", "b"),
	} {
		item := collect(t, Rules{}, table.UserTableRow{Name: "u", Password: hash(t, "own", 4)},
			table.UserOptionsRow{
				Name:    "u",
				Options: table.StoredUserOptions{Scopes: scopes},
			})[0]
		if notes := strings.Join(item.Notes, "; "); !strings.Contains(notes, `left out: "bogus"`) || strings.Contains(notes, `"b"`) {
			t.Errorf("%v: %q", scopes, notes)
		}
	}
}

func TestAJobThatNeverFiresIsTakenWithANote(t *testing.T) {
	rules := Rules{Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	for expression, never := range map[string]bool{
		"0 0 30 2 *": true, "0 0 0 1 1 * 2025": true, "0 0 0 1 1 * 2027": false, "@reboot": false, "@every 1h": false, "* * * * *": false,
	} {
		row := aJob("a")
		row.CronExpression = expression
		item := collect(t, rules, row)[0]
		if told := strings.Contains(strings.Join(item.Notes, "; "), "never fires"); told != never ||
			!item.Job.Job.Options.Enabled {
			t.Errorf("%s: %+v", expression, item)
		}
	}
}

func TestLookingForTheOldPasswordIsBounded(t *testing.T) {
	c := NewCollector(Rules{})
	good := hash(t, "own", 4)
	slow := messages.Secret(strings.Replace(good.Reveal(), "$04$", "$14$", 1))
	for i := range 17 {
		if err := c.Add(i+1, table.UserTableRow{
			Name:     strings.Repeat("u", i+1),
			Password: slow,
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.hashes.spent = maxHashWork
	for _, item := range c.Items() {
		if item.Outcome != messages.ImportRefused {
			t.Fatalf("%+v", item)
		}
	}
}

// Nobody does by an import what they may not do otherwise.
func TestScopesHold(t *testing.T) {
	only := func(scopes ...messages.Scope) Rules {
		return Rules{May: func(s messages.Scope) bool { return slices.Contains(scopes, s) }}
	}
	rows := []table.TableRow{
		aJob("a"),
		table.ConfigRow{Name: "labels"},
		table.UserTableRow{Name: "u", Password: hash(t, "own", 4)},
	}
	for _, item := range collect(t, only(messages.ScopeStore), rows...) {
		if item.Outcome != messages.ImportRefused {
			t.Errorf("%+v", item)
		}
	}
	user := collect(t, only(messages.ScopeStore, messages.ScopeUsers), rows...)[2].User
	if !slices.Equal(user.Scopes, []messages.Scope{messages.ScopeUsers, messages.ScopeStore}) {
		t.Errorf("the scopes are %v", user.Scopes)
	}
}

func TestAnImportIsBounded(t *testing.T) {
	c := NewCollector(Rules{})
	c.bytes = MaxBytes
	if err := c.Add(1, aJob("a")); err == nil {
		t.Error("there is no bound of bytes")
	}
	c = NewCollector(Rules{})
	c.items = make([]messages.ImportItem, MaxRows)
	if err := c.Refuse(1, "", "", "why"); err == nil {
		t.Error("there is no bound of rows")
	}
}

func TestRunsAreLeftOut(t *testing.T) {
	for _, item := range collect(t, Rules{}, table.RunTableRow{ID: "r"},
		table.RunOutputRow{RunID: "r"}) {
		if item.Outcome != messages.ImportLeftOut {
			t.Errorf("%+v", item)
		}
	}
}

// TestARemoteImportIsBoundedByWhatItsRowsTake adds rows that are nothing until they are too many.
func TestARemoteImportIsBoundedByWhatItsRowsTake(t *testing.T) {
	for _, remote := range []bool{true, false} {
		rows, refused := NewCollector(Rules{Remote: remote}), false
		for place := 0; place < 2*MaxRemoteBytes/remoteRowBytes && !refused; place++ {
			refused = rows.Refuse(place, "", "", "it is nothing") != nil
		}
		if refused != remote || remote && len(rows.items) < 30_000 {
			t.Errorf("remote %t: refused %t after %d rows", remote, refused, len(rows.items))
		}
	}
}
