//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"gusty/test/agent"
)

const (
	printers         = 100
	printersGoal     = 40_000_000 // bytes of VmRSS while they print
	printsASecond    = 10
	printBytes       = 100_000
	printersPatience = 5 * time.Minute
)

// measurePrinters takes the agent's memory while a hundred scripts print a megabyte a second each.
func measurePrinters(ctx context.Context, b *bench) ([]figure, error) {
	ctx, cancel := context.WithTimeout(ctx, printersPatience)
	defer cancel()
	process, err := b.start(ctx, "printers")
	if err != nil {
		return nil, err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := storePrinters(ctx, client, b.printSeconds()); err != nil {
		return nil, err
	}
	begun := time.Now()
	stop := agent.WatchMemory(ctx, process.PID, 50*time.Millisecond)
	err = runPrinters(ctx, client, int64(b.printSeconds()*printsASecond*(printBytes+1)))
	resident, took := stop(), time.Since(begun)
	if err != nil {
		return nil, err
	}
	used, err := agent.ReadMemory(process.PID)
	if err != nil {
		return nil, err
	}
	printed := fmt.Sprintf("%.0f MB/s", float64(printers*b.printSeconds())*1e6/took.Seconds()/1e6)
	return []figure{
		memory("memory while 100 scripts print 1 MB/s each", resident, printersGoal, printed),
		{what: "  the same, as the kernel's own peak (VmHWM)", measured: mega(used.Peak)},
	}, nil
}

func (b *bench) printSeconds() int {
	if b.quick {
		return 5
	}
	return 30
}

// printScript prints in even pieces and starts no process for that: bash waits by reading from a
// pipe that nobody writes to.
func printScript(seconds int) string {
	return fmt.Sprintf("exec 9<> <(:); printf -v piece '%%0%dd' 0\nfor ((i = 0; i < %d; i++)); "+
		"do echo \"$piece\"; read -rt %g -u 9; done; true\n",
		printBytes, seconds*printsASecond, 1.0/printsASecond)
}

func storePrinters(ctx context.Context, client *agent.Client, seconds int) error {
	for i := range printers {
		body := agent.JobBody(printerName(i), "0 0 30 2 *", printScript(seconds))
		if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job",
			body); err != nil {
			return err
		}
	}
	return nil
}

func printerName(i int) string { return fmt.Sprintf("printer%03d", i) }

// runPrinters runs all of them at once, and makes sure that each printed what it should.
func runPrinters(ctx context.Context, client *agent.Client, bytes int64) error {
	for i := range printers {
		if _, err := client.Want(ctx, http.StatusAccepted, http.MethodPost,
			"/agent/job/run?script_name="+printerName(i), ""); err != nil {
			return err
		}
	}
	for {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		data, err := client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/runs?state=succeeded",
			"")
		if err != nil {
			return err
		}
		var page struct {
			Items []struct {
				Printed int64 `json:"stdout_bytes"`
			}
		}
		if err := json.Unmarshal(data, &page); err != nil {
			return err
		}
		for _, run := range page.Items {
			if run.Printed != bytes {
				return fmt.Errorf("a script printed %d bytes and not %d", run.Printed, bytes)
			}
		}
		if len(page.Items) == printers {
			return nil
		}
	}
}
