package persistence

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"gusty/messages"
)

// bareBolt is what the store is measured against: a put of the same size and its fsync.
func bareBolt(b *testing.B) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600,
		&bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("rows"))
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return db
}

func putBare(b *testing.B, db *bolt.DB, key string, value []byte) {
	b.Helper()
	err := db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("rows")).Put([]byte(key), value)
	})
	if err != nil {
		b.Fatal(err)
	}
}

func benchRows(n int) []messages.Row {
	return []messages.Row{messages.SettingRow{
		Name:  fmt.Sprint("key ", n%2000),
		Value: []byte(strings.Repeat("v", 1000)),
	}}
}

// BenchmarkDurablePut interleaves a sealed put of 1 KB, one of a whole job, and a bare one, and
// tells the medians' ratios.
func BenchmarkDurablePut(b *testing.B) {
	s, db := openStore(b, b.TempDir()), bareBolt(b)
	value := []byte(strings.Repeat("v", 1000))
	for n := range 2000 {
		commit(b, s, benchRows(n)...)
		putBare(b, db, fmt.Sprint("key ", n), value)
	}
	var sealed, bare, jobs []time.Duration
	n := 0
	for b.Loop() {
		start := time.Now()
		commit(b, s, benchRows(n*7)...)
		middle := time.Now()
		putBare(b, db, fmt.Sprint("key ", n*7%2000), value)
		then := time.Now()
		job := testJob(fmt.Sprint("job ", n%500))
		job.Content = value
		commit(b, s, messages.JobRow{Job: job})
		sealed, bare, jobs = append(sealed, middle.Sub(start)), append(bare,
			then.Sub(middle)), append(jobs, time.Since(then))
		n++
	}
	b.ReportMetric(float64(median(bare))/float64(median(sealed)), "of-bare")
	b.ReportMetric(float64(median(bare))/float64(median(jobs)), "job-of-bare")
	b.ReportMetric(float64(median(sealed).Microseconds()), "µs/put")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkManyWriters tells how many times the rate of one writer 64 of them have.
func BenchmarkManyWriters(b *testing.B) {
	s := openStore(b, b.TempDir())
	for n := range 2000 {
		commit(b, s, benchRows(n)...)
	}
	var ratios []float64
	for b.Loop() {
		one, many := rate(b, s, 1, 300), rate(b, s, 64, 6400)
		ratios = append(ratios, many/one)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-one-writer")
}

func rate(b *testing.B, s *Store, writers, puts int) (perSecond float64) {
	b.Helper()
	start := time.Now()
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for n := range puts / writers {
				if c := try(s, benchRows(w+n*writers)...); c.Err != nil {
					b.Error(c.Err)
				}
			}
		})
	}
	wait.Wait()
	return float64(puts) / time.Since(start).Seconds()
}

// BenchmarkRun is the three commits of a run's life.
func BenchmarkRun(b *testing.B) {
	s := openStore(b, b.TempDir())
	n := 0
	for b.Loop() {
		run := testRun(n, fmt.Sprint("job ", n%20), messages.RunQueued)
		commit(b, s, messages.RunRow{Run: run})
		run.State = messages.RunRunning
		commit(b, s, messages.RunRow{Run: run})
		run.State = messages.RunSucceeded
		commit(b, s, messages.RunRow{Run: run}, messages.JobStateRow{Name: run.ScriptName})
		n++
	}
}

// BenchmarkOpen opens a store of 10,000 jobs and as many runs, verification included, and reads the
// heads.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openStore(b, dir)
	for n := 0; n < 10_000; n += 100 {
		var rows []messages.Row
		for i := range 100 {
			name := fmt.Sprint("job ", n+i)
			rows = append(rows, messages.JobRow{Job: testJob(name)},
				messages.RunRow{Run: testRun(n+i, name, messages.RunSucceeded)})
		}
		commit(b, s, rows...)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(Options{Dir: dir, Build: testBuild()})
		if err != nil {
			b.Fatal(err)
		}
		jobs := 0
		if _, err := s.LoadJobs(func(messages.JobHead) error {
			jobs++
			return nil
		}); err != nil || jobs != 10_000 {
			b.Fatal(jobs, err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
