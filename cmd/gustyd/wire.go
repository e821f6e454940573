package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	cmap "github.com/orcaman/concurrent-map"

	"gusty/actors"
	"gusty/api"
	"gusty/internal/footprint"
	"gusty/internal/hostclock"
	"gusty/internal/hostinfo"
	"gusty/internal/process"
	"gusty/internal/service"
	"gusty/internal/tlscert"
	"gusty/messages"
	"gusty/persistence"
)

const (
	startTimeout = 60 * time.Second // for the actors to load their state
	stopGrace    = 10 * time.Second // for runs under way when the agent stops
	stopTimeout  = 40 * time.Second // for the whole ordered stop
	clientsGrace = 15 * time.Second // for answers under way when the listener closes
)

// daemon is the agent put together. This file is the one place that knows every package.
type daemon struct {
	settings settings
	manager  *service.Manager
	log      *logging

	store    *persistence.Store
	certs    *certificates
	host     *process.Host
	system   *actors.System
	server   *api.Server
	listener net.Listener

	port      atomic.Int64
	activity  atomic.Uint64
	logLevel  string // of the last snapshot of the parameters
	shutdown  chan struct{}
	rounds    chan struct{} // after each round of periodic work, for giving memory back
	onceDown  sync.Once
	serveDone chan error
}

// run starts the agent, serves until something ends it, and stops it in order. It returns the exit
// code.
func (d *daemon) run(ctx context.Context) int {
	// The actor library keeps 1,024 maps of as many shards each: one shard is enough for some
	// thousand actors, and saves 3 MB.
	cmap.SHARD_COUNT = 1
	d.log = newLogging(d.settings)
	d.shutdown, d.rounds, d.serveDone = make(chan struct{}), make(chan struct{},
		1), make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := watchSignals()
	defer signals.stop()
	if err := d.start(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "gustyd: %v\n", err)
		d.tell(d.manager.Status(err.Error()))
		d.end() // without a word: the sentence says it all
		return startExitCode(err)
	}
	d.announce()
	announced, forget := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() { defer close(kept); d.keepAnnounced(announced) }()
	code := d.await(ctx, signals)
	go signals.endAtSecond()
	forget() // or the file could be written after its removal
	<-kept
	d.stop()
	return code
}

// startExitCode tells by the error why the agent did not start.
func startExitCode(err error) int {
	var inUse *persistence.InUseError
	if errors.As(err, &inUse) {
		return exitInUse
	}
	for _, damaged := range []error{
		persistence.ErrDamaged, persistence.ErrWrongKey, persistence.ErrForeign,
		persistence.ErrNewerFormat, persistence.ErrKeyWithoutDatabase,
		persistence.ErrRolledBack,
	} {
		if errors.Is(err, damaged) {
			return exitDamaged
		}
	}
	return exitFailed
}

// start brings the parts up in the order of their needs.
func (d *daemon) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.openStore, d.openCertificates, d.openHost,
		d.startActors, d.startServer,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := hostclock.Notify(ctx, d.system.ClockSet); err != nil {
		d.log.Warn("a clock that is set is noticed some seconds late", "error", err)
	}
	go d.certs.watch(ctx)
	go d.keepAlive(ctx)
	keeper := footprint.Keeper{Activity: d.activityCount, Rounds: d.rounds}
	go keeper.Run(ctx)
	return nil
}

// keepAlive tells the service manager's watchdog that the agent lives, as long as every actor is
// up.
func (d *daemon) keepAlive(ctx context.Context) {
	d.tell(d.manager.KeepAlive(ctx, func() bool {
		reply, err := d.system.Ask(ctx, messages.GetReadiness{})
		readiness, ok := reply.(messages.Readiness)
		return err == nil && ok && readiness.Ready
	}))
}

func (d *daemon) openStore(context.Context) error {
	bootID, _ := hostinfo.BootID() // startActors tells of the error
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	d.store, err = persistence.Open(persistence.Options{
		Dir: d.settings.dataDir, KeyFile: d.settings.keyFile, Build: build(),
		Agent: true, BootID: bootID, Logger: d.log.Logger, StartEmpty: d.settings.startEmpty,
		Passphrase: d.settings.passphrase, AskPassphrase: passphrasePrompt(),
		GenerationFile: d.settings.generationFile, AcceptRollback: d.settings.acceptRollback,
		VerifyChild: persistence.SpawnVerifier(self, verifyCommand),
	})
	if err != nil {
		return err
	}
	return firstStart(d.store, d.settings.dataDir)
}

func (d *daemon) openCertificates(context.Context) (err error) {
	d.certs, err = openCertificates(d.store, d.settings.dataDir, d.log.Logger)
	return err
}

func (d *daemon) openHost(context.Context) (err error) {
	d.host, err = process.NewHost(process.HostOptions{
		Logger:     d.log.Logger,
		PrivateDir: filepath.Join(d.settings.dataDir, "scripts"),
	})
	return err
}

func (d *daemon) startActors(ctx context.Context) error {
	bootID, err := hostinfo.BootID()
	if err != nil {
		d.log.Warn(
			"jobs with @reboot run at every start of the agent: the host's boot cannot be told",
			"error", err)
	}
	hands := launcher{d.host}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d.system, err = actors.Start(ctx, actors.Options{
		Store: actorStore{d.store}, Launcher: hands, Logger: d.log.Logger, Build: build(),
		BootID: bootID, SinceBoot: hostclock.SinceBoot, Sleep: hostclock.Sleep,
		Collectors: hostinfo.Collectors(d.settings.dataDir), Port: d.usedPort,
		CheckLimits: hands.checkLimits,
		OnRound:     d.onRound, OnShipped: d.onShipped, LogTap: d.log.tap, Getenv: os.Getenv,
		OnConfig: d.onConfig, OnPassword: d.onPassword, OnShutDown: func(messages.Origin) {
			d.beginShutdown()
		}, StopGrace: stopGrace,
	})
	return err
}

func (d *daemon) startServer(ctx context.Context) (err error) {
	if d.listener, err = listen(ctx, d.settings, d.system.Config()); err != nil {
		return err
	}
	d.port.Store(int64(portOf(d.listener)))
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	d.server, err = api.New(api.Options{
		CheckLimits: launcher{d.host}.checkLimits, Asker: d.system, Keys: d.store,
		Access: d.system.Access, Config: d.system.Config, Build: build(),
		InstallDir:       filepath.Dir(self),
		ExecutableSHA256: sync.OnceValue(func() string { return sumOf(self) }), Port: d.usedPort,
		TLS: tlscert.ServerConfig(d.certs.Get), Logger: d.log.Logger, Activity: &d.activity,
		Capabilities: launcher{d.host}.capabilities,
	})
	if err != nil {
		return err
	}
	go func() { d.serveDone <- d.server.Serve(d.listener) }()
	return nil
}

// sumOf returns the SHA-256 of a file in hex, or nothing where it cannot be read.
func sumOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (d *daemon) usedPort() int { return int(d.port.Load()) }

func (d *daemon) activityCount() uint64 { return d.activity.Load() }

// onConfig makes the parameters true that concern the process as a whole.
func (d *daemon) onConfig(config *messages.Config) {
	footprint.Configure(config.Int(messages.ParamMemoryLimit) << 10)
	if level := config.Text(messages.ParamLogLevel); level != d.logLevel {
		// A flag wins over what is stored, but not over what somebody sets while the agent runs.
		if d.logLevel != "" || d.settings.logLevel == "" {
			d.log.setLevel(level)
		}
		d.logLevel = level
	}
	if err := d.log.out.use(config.Text(messages.ParamLoggingFileName)); err != nil {
		d.log.Error("the log file cannot be opened, the log goes on where it was", "error", err)
	}
}

func (d *daemon) onRound() {
	select {
	case d.rounds <- struct{}{}:
	default: // one is noted already
	}
}

// onShipped counts documents as work, so that what a drain of the outbox has left behind is given
// back when it is over.
func (d *daemon) onShipped(documents uint64) { d.activity.Add(documents) }

func (d *daemon) onPassword(user string) {
	if err := removeAdminFile(d.settings.dataDir, user); err != nil {
		d.log.Error("the file of the first password could not be removed: remove it by hand",
			"file", adminFile, "error", err)
	}
}

func (d *daemon) beginShutdown() { d.onceDown.Do(func() { close(d.shutdown) }) }

// await serves until something ends the agent, and returns the exit code.
func (d *daemon) await(ctx context.Context, signals *signalWatch) int {
	for {
		select {
		case <-ctx.Done():
			return exitStopped
		case <-d.shutdown:
			return exitStopped
		case <-signals.stopped:
			return exitStopped
		case <-signals.reload:
			d.reload()
		case err := <-d.system.Dead():
			d.log.Error("the agent ends: an actor gave up", "cause", err.Error())
			return exitGaveUp
		case err := <-d.store.Failed():
			d.log.Error(
				"the agent ends: the store failed, and what became of the last changes is unknown",
				"cause", err.Error())
			return exitGaveUp
		case err := <-d.serveDone:
			d.log.Error("the agent ends: the listener failed", "cause", fmt.Sprint(err))
			return exitGaveUp
		}
	}
}

func (d *daemon) reload() {
	d.tell(d.manager.Reloading())
	d.certs.reload()
	if err := d.log.out.reopen(); err != nil {
		d.log.Error("the log file cannot be reopened", "error", err)
	}
	d.tell(d.manager.Ready())
}

// tell logs what a service manager could not be told; the agent works without it.
func (d *daemon) tell(err error) {
	if err != nil {
		d.log.Warn("the service manager could not be told", "error", err)
	}
}

// stop ends an agent that served, and logs when that began and when it was over.
func (d *daemon) stop() {
	d.log.Info("stopping")
	d.end()
	d.log.Info("stopped")
}

// end ends what was started, in order: the listener, the actors, the processes' host, the store.
// Each step is bounded.
func (d *daemon) end() {
	d.tell(d.manager.Stopping())
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	served := d.closeServer(ctx)
	if d.system != nil {
		d.system.Stop(ctx)
	}
	<-served
	if d.host != nil {
		if err := d.host.Close(); err != nil {
			d.log.Warn("the processes' host did not close cleanly", "error", err)
		}
	}
	if d.store != nil {
		removeAgentFile(d.settings.dataDir)
		if err := d.store.Close(); err != nil {
			d.log.Error("the store did not close cleanly", "error", err)
		}
	}
}

// closeServer stops taking requests; those under way may wait for runs that the actors' stop ends,
// so it does not wait for them itself.
func (d *daemon) closeServer(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	if d.server == nil {
		if d.listener != nil {
			_ = d.listener.Close() // nothing was served
		}
		close(done)
		return done
	}
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, stopGrace+clientsGrace)
		defer cancel()
		if err := d.server.Shutdown(ctx); err != nil {
			d.log.Warn("some clients were cut off", "error", err)
		}
	}()
	return done
}
