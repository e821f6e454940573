//go:build linux

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver of the bare loop

	"gusty/messages"
	"gusty/messages/table"
	"gusty/test/agent"
)

const (
	exportJobs       = 100_000
	exportGoal       = 0.5      // of the speed of a bare loop
	exportGrowthGoal = 10 << 20 // bytes above the idle size
	importRows       = 20_000   // of one import: what an import over REST takes
	sampleEvery      = 20 * time.Millisecond
)

// measureExport takes gustyctl's export of 100,000 jobs to SQLite in turns with a bare loop that
// inserts the same rows, and how much the agent grows meanwhile.
func measureExport(ctx context.Context, b *bench) ([]figure, error) {
	process, err := b.start(ctx, "export")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	if err := importJobs(ctx, process); err != nil {
		return nil, err
	}
	if err := pause(ctx, b.wait); err != nil {
		return nil, err
	}
	idle, err := agent.ReadMemory(process.PID)
	if err != nil {
		return nil, err
	}
	var ratios []float64
	var ours, bare []time.Duration
	peak := idle.Resident
	for range b.rounds {
		loop, err := bareInserts(ctx, b.data("bare.sqlite"))
		if err != nil {
			return nil, err
		}
		took, most, err := b.exportOnce(ctx, process)
		if err != nil {
			return nil, err
		}
		ours, bare, ratios = append(ours, took), append(bare, loop), append(ratios,
			float64(loop)/float64(took))
		peak = max(peak, most)
	}
	middle := median(ratios)
	return []figure{
		{
			what: "export of 100,000 jobs to SQLite", measured: millis(quantile(ours, 0.5)),
			baseline: millis(quantile(bare, 0.5)) + " bare inserts",
			ratio:    fmt.Sprintf("%.2f", middle), goal: fmt.Sprintf(">= %.2f", exportGoal),
			met: judge(middle >= exportGoal),
		},
		memory("growth of the agent during that", peak-idle.Resident, exportGrowthGoal,
			mega(idle.Resident)+" idle"),
	}, nil
}

func exportedJob(i int) table.JobTableRow {
	script := fmt.Sprintf("#!/bin/bash\necho \"job number %d\"\n", i) +
		string(bytes.Repeat([]byte("# a line\n"), 10))
	return table.JobTableRow{
		Name:           fmt.Sprintf("job %06d", i),
		Content:        []byte(script),
		CronExpression: "0 0 1 1 *",
		Type:           1,
	}
}

func importJobs(ctx context.Context, process *agent.Process) error {
	client, err := process.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	for from := 0; from < exportJobs; from += importRows {
		var lines []byte
		for i := from; i < min(from+importRows, exportJobs); i++ {
			if lines, err = table.AppendLine(lines, exportedJob(i)); err != nil {
				return err
			}
		}
		if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/import",
			string(lines)); err != nil {
			return err
		}
	}
	return nil
}

// exportOnce runs gustyctl and gives how long it took, and the agent's largest resident size
// meanwhile.
func (b *bench) exportOnce(ctx context.Context, process *agent.Process) (took time.Duration,
	peak int64, err error,
) {
	command := exec.CommandContext(ctx, filepath.Join(filepath.Dir(b.binary), "gustyctl"), "export",
		b.data("export.sqlite"))
	command.Env = append(os.Environ(), "GUSTY_DATA_DIR="+process.Dir)
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		out, err := command.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("gustyctl export: %w: %s", err, out)
		}
		done <- err
	}()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return time.Since(began), peak, err
		case <-ticker.C:
			m, err := agent.ReadMemory(process.PID)
			if err != nil {
				return 0, 0, err
			}
			peak = max(peak, m.Resident)
		}
	}
}

// bareInserts writes the same rows with a prepared statement a table, in one transaction.
func bareInserts(ctx context.Context, path string) (time.Duration, error) {
	if err := os.RemoveAll(path); err != nil {
		return 0, err
	}
	defaults := messages.DefaultJobOptions()
	paused := false
	options, err := json.Marshal(table.StoredJobOptions{
		JobOptionsPatch: defaults.Patch(),
		Paused:          &paused,
	})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // what was written is not read again
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{
		"CREATE TABLE scheduled_jobs (script_name TEXT,content BLOB,cron_expression " +
			"TEXT,arguments TEXT,script_type INTEGER,opensearch_index TEXT,opensearch_enabled " +
			"INTEGER)",
		"CREATE TABLE gusty_job_options (script_name TEXT,options TEXT)",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	if err := insertJobs(ctx, tx, string(options)); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func insertJobs(ctx context.Context, tx *sql.Tx, options string) error {
	jobs, err := tx.PrepareContext(ctx, "INSERT INTO scheduled_jobs VALUES (?,?,?,?,?,?,?)")
	if err != nil {
		return err
	}
	defer func() { _ = jobs.Close() }() // the transaction ends it, too
	others, err := tx.PrepareContext(ctx, "INSERT INTO gusty_job_options VALUES (?,?)")
	if err != nil {
		return err
	}
	defer func() { _ = others.Close() }() // the transaction ends it, too
	for i := range exportJobs {
		row := exportedJob(i)
		content := []byte(base64.StdEncoding.EncodeToString(row.Content))
		if _, err := jobs.ExecContext(ctx, row.Name, content, row.CronExpression, row.Arguments,
			row.Type, row.OpenSearchIndex, 0); err != nil {
			return err
		}
		if _, err := others.ExecContext(ctx, row.Name, options); err != nil {
			return err
		}
	}
	return nil
}
