//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gusty/test/agent"
)

// connections is how many keep-alive clients load an agent.
const connections = 64

func basic(c agent.Credentials) string {
	return base64.StdEncoding.EncodeToString([]byte(c.User + ":" + c.Password))
}

// start starts an agent on the named directory.
func (b *bench) start(ctx context.Context, name string) (*agent.Process, error) {
	return agent.Start(ctx, agent.Options{Binary: b.binary, Dir: b.data(name)})
}

// seed makes a data directory with so many jobs that are due hourly, by an agent that is stopped
// then.
func (b *bench) seed(ctx context.Context, name string, jobs int) error {
	process, err := b.start(ctx, name)
	if err != nil {
		return err
	}
	defer func() { _ = process.Kill() }()
	client, err := process.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Want(ctx, http.StatusOK, http.MethodGet, "/agent/status", ""); err != nil {
		// the agent knows the password from here on
		return err
	}
	each := make(chan int)
	var all sync.WaitGroup
	errs := make([]error, 16)
	for worker := range errs {
		all.Go(func() {
			for i := range each {
				body := agent.JobBody(fmt.Sprintf("job %04d", i),
					fmt.Sprintf("%d * * * *", (time.Now().Minute()+30)%60), "true")
				if _, err := client.Want(ctx, http.StatusOK, http.MethodPost, "/agent/job",
					body); err != nil {
					errs[worker] = err
				}
			}
		})
	}
	for i := range jobs {
		each <- i
	}
	close(each)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	_, err = process.Stop()
	return err
}

// fleet is some keep-alive connections to one server, each with the request that it sends again and
// again.
type fleet struct {
	wires    []*wire
	requests [][]byte
}

// dialFleet opens the connections; request gives each its request.
func dialFleet(ctx context.Context, size int, address string, config *tls.Config,
	request func(i int) []byte,
) (*fleet, error) {
	f := &fleet{}
	for i := range size {
		w, err := dialWire(ctx, address, config)
		if err != nil {
			f.close()
			return nil, err
		}
		f.wires = append(f.wires, w)
		f.requests = append(f.requests, request(i))
		if err := w.ask(f.requests[i]); err != nil {
			// the first one is dearer: the password is hashed
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *fleet) close() {
	for _, w := range f.wires {
		w.close()
	}
}

// flatOut lets every connection ask as fast as it is answered, and returns the answers a second.
func (f *fleet) flatOut(d time.Duration) (float64, error) {
	var answers atomic.Int64
	errs := make([]error, len(f.wires))
	begun := time.Now()
	var all sync.WaitGroup
	for i, w := range f.wires {
		all.Go(func() {
			n := int64(0)
			for time.Since(begun) < d && errs[i] == nil {
				errs[i] = w.ask(f.requests[i])
				n++
			}
			answers.Add(n)
		})
	}
	all.Wait()
	took := time.Since(begun)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(answers.Load()) / took.Seconds(), nil
}
