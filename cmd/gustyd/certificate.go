package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gusty/internal/tlscert"
	"gusty/messages"
	"gusty/persistence"
)

// certificateLook is how often the certificate files are looked at for a change.
const certificateLook = 10 * time.Second

// certificates keeps the server certificate: makes it, renews it, and notices when its files
// change.
type certificates struct {
	store *persistence.Store
	dir   string
	log   *slog.Logger
	files tlscert.Files
	*tlscert.Store
}

func openCertificates(store *persistence.Store, dataDir string, log *slog.Logger) (*certificates,
	error,
) {
	c := &certificates{store: store, dir: filepath.Join(dataDir, "tls"), log: log}
	unmade := c.ensure(time.Now())
	if unmade != nil && !persistence.IsStorageError(unmade) {
		return nil, unmade
	}
	if unmade != nil {
		c.files = tlscert.FilesIn(c.dir)
	}
	held, err := tlscert.OpenStore(c.files)
	switch {
	case unmade != nil && err != nil:
		return nil, unmade // that there is no certificate follows from it
	case unmade != nil:
		log.Warn("the server certificate could not be renewed, so the one that is there is served",
			"error", unmade)
	case err != nil:
		return nil, err
	}
	c.Store = held
	return c, nil
}

// ensure sees to it that there is a certificate with enough life before it. The authority's key
// stays sealed in the store.
func (c *certificates) ensure(now time.Time) error {
	key, err := c.store.Setting(messages.SettingCAKey)
	if err != nil {
		return err
	}
	hosts, err := tlscert.LocalHosts()
	if err != nil {
		c.log.Warn("the certificate may lack names of this host", "error", err)
	}
	files, newKey, err := tlscert.Ensure(c.dir, key, hosts, now)
	if err != nil {
		return fmt.Errorf("the server certificate: %w", err)
	}
	if newKey != nil {
		if err := commit(c.store, messages.SettingRow{
			Name:  messages.SettingCAKey,
			Value: newKey,
		}); err != nil {
			return fmt.Errorf("keep the certificate authority's key: %w", err)
		}
	}
	c.files = files
	return nil
}

// watch renews and reloads until ctx ends.
func (c *certificates) watch(ctx context.Context) {
	tlscert.Watcher{
		Store: c.Store, Interval: certificateLook, Renew: c.ensure, PutBack: c.putBack,
		Reloaded: c.report,
	}.WatchFiles(ctx)
}

// putBack writes again what was removed of the agent's own files, so that clients and the next
// start find the certificate that they know. A pair of the operator's is left to the operator.
func (c *certificates) putBack() {
	if !c.files.Own {
		return
	}
	done, err := c.PutBack()
	if _, lost := os.Stat(c.files.CA); err == nil && errors.Is(lost, fs.ErrNotExist) {
		err = c.ensure(time.Now())
		done = err == nil
	}
	if done {
		c.log.Warn("files of the certificate were removed and are written again", "directory",
			c.dir)
	}
}

// reload reads the files again, on SIGHUP.
func (c *certificates) reload() { c.report(c.Reload()) }

func (c *certificates) report(err error) {
	if err != nil {
		c.log.Error("the certificate was not reloaded, the one in force stays", "error", err)
		return
	}
	c.log.Info("certificate reloaded", "fingerprint", tlscert.FingerprintDER(c.Leaf().Raw))
}
