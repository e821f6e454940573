package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
	"gusty/messages/table"
)

// rustHashCost is that of the Rust agent's own hashes.
const rustHashCost = 10

// rusty turns rows into what the Rust agent can start from and work with. It runs the content of a
// row as it stands there, so that scripts are plain; it knows no options, so that a job which must
// not fire is left out; and one expression that it cannot read, or that has no firing ahead, keeps
// it from starting at all.
type rusty struct {
	now  time.Time
	note func(name, sentence string)
	// unusable is the hash of a password that nobody knows.
	unusable string

	jobs     map[string]int64  // rows in the file, by name
	changed  map[string]string // expressions that stand there otherwise, by job
	users    map[string]int64
	gone     map[string][]int64 // rows to delete, by table
	leftOut  map[string]int     // rows that are not in the file, by table
	purposes map[string]bool
	version  bool // there is the row that the Rust agent looks for
}

// CreateRusty begins a file for the Rust agent. note is told, for each row that is left out or
// changed, its name and why.
func CreateRusty(ctx context.Context, path string, now time.Time,
	note func(name, sentence string),
) (*Writer, error) {
	r := &rusty{
		now: now, note: note, jobs: map[string]int64{}, changed: map[string]string{},
		users: map[string]int64{}, gone: map[string][]int64{},
		leftOut: map[string]int{}, purposes: map[string]bool{},
	}
	var err error
	if r.unusable, err = unusableHash(); err != nil {
		return nil, err
	}
	w, err := begin(ctx, path)
	if err != nil {
		return nil, err
	}
	w.rusty = r
	return w.makeTables(ctx, []string{
		messages.TableVersion, messages.TableConfig, messages.TableJobs, messages.TableUsers,
		messages.TableApps,
	})
}

// LeftOut counts, by table, the rows that a file for the Rust agent does not have.
func (w *Writer) LeftOut() map[string]int {
	if w.rusty == nil {
		return nil
	}
	return w.rusty.leftOut
}

func unusableHash() (string, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(base64.StdEncoding.EncodeToString(secret)),
		rustHashCost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hash), nil
}

func (w *Writer) addRusty(ctx context.Context, row table.TableRow) error {
	switch r := row.(type) {
	case *table.JobTableRow:
		return w.addRustyJob(ctx, *r)
	case *table.JobOptionsRow:
		w.rusty.judge(*r)
		return nil
	case messages.VersionRow:
		w.rusty.version = w.rusty.version || r.Version == rustVersionMark
	case table.ConfigRow:
		if known, ok := messages.FindParameter(r.Name); ok && known.Kind == messages.KindSecret {
			r.Global, r.Local = unmasked(r.Global), unmasked(r.Local)
		}
		row = r
	case messages.AppRow:
		r.Password = messages.Secret(unmasked(r.Password.Reveal()))
		w.rusty.purposes[r.Purpose] = true
		row = r
	case table.UserTableRow:
		row = w.rusty.user(r)
	case table.JobTableRow:
		return w.addRustyJob(ctx, r)
	default:
		w.rusty.judge(row)
		return nil
	}
	return w.addPlain(ctx, row)
}

// addPlain adds a row that is as it should be.
func (w *Writer) addPlain(ctx context.Context, row table.TableRow) error {
	b, err := w.batch(ctx, row.Table())
	if err != nil {
		return err
	}
	args, err := appendValues(b.args, row)
	if err != nil {
		return err
	}
	return b.add(ctx, args)
}

func unmasked(value string) string {
	if value == messages.Mask {
		return ""
	}
	return value
}

func (r *rusty) user(u table.UserTableRow) table.UserTableRow {
	if u.Password == messages.Mask || u.Password == "" {
		u.Password = messages.Secret(r.unusable)
		r.note("user "+u.Name, "cannot log in there, since the hash was left out: give "+
			"--with-secrets")
	}
	r.users[u.Name] = int64(len(r.users) + 1)
	return u
}

// addRustyJob adds a job, or leaves it out and says why.
func (w *Writer) addRustyJob(ctx context.Context, job table.JobTableRow) error {
	expression, why := rustExpression(job.CronExpression, w.rusty.now)
	switch {
	case why != "":
	case !utf8.Valid(job.Content) || bytes.IndexByte(job.Content, 0) >= 0:
		why = "its script is not UTF-8 text"
	case strings.Contains(job.Name, "/"):
		why = "a slash in a job's name ends the Rust agent"
	}
	if why != "" {
		w.rusty.note("job "+job.Name, "is left out: "+why)
		w.rusty.leftOut[messages.TableJobs]++
		return nil
	}
	if expression != job.CronExpression {
		w.rusty.changed[job.Name] = expression // told when it is known that the job stays
	}
	job.CronExpression = expression
	b, err := w.batch(ctx, messages.TableJobs)
	if err != nil {
		return err
	}
	w.rusty.jobs[job.Name] = int64(len(w.rusty.jobs) + 1)
	// the row is valid during the call only, and a batch is not written yet
	script := append([]byte{}, job.Content...)
	return b.add(ctx, appendJob(b.args, &job, script))
}

// judge reads what the Rust agent has no columns for: who must not fire or log in goes.
func (r *rusty) judge(row table.TableRow) {
	switch o := row.(type) {
	case table.JobOptionsRow:
		at, there := r.jobs[o.Name]
		options := o.Options.Whole()
		switch {
		case !there:
		case !options.Enabled:
			delete(r.changed, o.Name)
			r.leaveOut(messages.TableJobs, "job "+o.Name, at,
				"it is disabled, and the Rust agent would fire it")
		case o.Options.Paused != nil && *o.Options.Paused:
			delete(r.changed, o.Name)
			r.leaveOut(messages.TableJobs, "job "+o.Name, at,
				"it is paused, and the Rust agent would fire it")
		case options.TimeZone != "":
			r.note("job "+o.Name, "fires by the clock of the Rust agent, not by that of "+
				options.TimeZone)
		}
	case table.UserOptionsRow:
		if at, there := r.users[o.Name]; there {
			r.leaveOut(messages.TableUsers, "user "+o.Name, at,
				"it is disabled or may not do everything, and the Rust agent would let it")
		}
	}
}

func (r *rusty) leaveOut(table, name string, row int64, why string) {
	r.gone[table] = append(r.gone[table], row)
	r.leftOut[table]++
	r.note(name, "is left out: "+why)
}

// rustVersionMark is the version of the row by which the Rust agent tells a database that it has
// made before.
const rustVersionMark = " "

// completeRusty removes what must not be there, and adds the rows that the Rust agent would make
// itself where they are missing: an Admin whose password everybody knows among them, which is why
// the one here has a password that nobody knows.
func (w *Writer) completeRusty(ctx context.Context) error {
	r := w.rusty
	now := r.now.UTC().Format("2006-01-02 15:04:05.000000000 +00:00")
	var rows []table.TableRow
	if !r.version {
		rows = append(rows, messages.VersionRow{
			Version:   rustVersionMark,
			BuildDate: now,
		}, messages.VersionRow{Version: "0.0.1", Valid: 1, BuildDate: now})
	}
	if _, there := r.users[messages.AdminUser]; !there {
		rows = append(rows, table.UserTableRow{
			Name:     messages.AdminUser,
			Password: messages.Secret(r.unusable),
		})
	}
	for _, purpose := range []string{"list_binaries", "download_binary"} {
		if !r.purposes[purpose] {
			rows = append(rows, messages.AppRow{User: "admin", Endpoint: "https://admin_url", Purpose: purpose})
		}
	}
	for _, row := range rows {
		if err := w.addPlain(ctx, row); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.changed)) {
		r.note("job "+name, fmt.Sprintf("has the expression %q there", r.changed[name]))
	}
	return w.deleteGone(ctx)
}

func (w *Writer) deleteGone(ctx context.Context) error {
	for name, rows := range w.rusty.gone {
		if err := w.flush(ctx, w.open[name]); err != nil {
			return err
		}
		for _, row := range rows {
			if _, err := w.conn.ExecContext(ctx, "DELETE FROM "+name+" WHERE rowid=?",
				row); err != nil {
				return fmt.Errorf("leave a row of %s out: %w", name, err)
			}
		}
	}
	return nil
}
