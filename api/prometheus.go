package api

import (
	"strconv"
	"strings"

	"gusty/messages"
)

// getMetrics answers with what is known: the host's figures are left out while their actor is down,
// the agent's own counters need no actor.
func getMetrics(r *request) error {
	stats, err := ask[messages.Stats](r, messages.GetStats{})
	if err != nil {
		return err
	}
	var e exposition
	build := r.server.options.Build
	e.family("gauge", "gusty_build_info", "The build that runs; always 1.")
	e.value(1, label{"version", build.Version}, label{"commit", build.Commit})
	if sample, err := ask[*messages.Sample](r, messages.GetSample{}); err == nil {
		e.host(sample)
		e.process(&sample.Process)
	}
	e.actors(stats.Actors)
	e.scheduler(&stats.Scheduler)
	e.runs(&stats)
	e.starts(&stats.Starts)
	e.outbox(&stats.Outbox)
	e.store(&stats.Store)
	e.http(r.server)
	return r.bytes(mediaPrometheus, e.out.Bytes())
}

func (e *exposition) host(s *messages.Sample) {
	h := &s.Host
	e.gauge("gusty_host_cpu_ratio", "Use of all cores since the sample before, 0 to 1.",
		float64(finite(s.CPUPercent))/100)
	e.gauge("gusty_host_cpus", "Number of cores.", float64(h.CPUCount))
	e.gauge("gusty_host_load1", "Load average over 1 minute.", h.Load1)
	e.gauge("gusty_host_load5", "Load average over 5 minutes.", h.Load5)
	e.gauge("gusty_host_load15", "Load average over 15 minutes.", h.Load15)
	e.gauge("gusty_host_memory_total_bytes", "Memory of the host.", float64(h.MemoryTotalBytes))
	e.gauge("gusty_host_memory_used_bytes", "Memory in use.", float64(h.MemoryUsedBytes))
	e.gauge("gusty_host_memory_available_bytes", "Memory that programs can still get.",
		float64(h.MemoryAvailableBytes))
	e.gauge("gusty_host_swap_total_bytes", "Swap space.", float64(h.SwapTotalBytes))
	e.gauge("gusty_host_swap_used_bytes", "Swap space in use.", float64(h.SwapUsedBytes))
	e.gauge("gusty_host_disk_total_bytes", "Size of the file system of the data directory.",
		float64(h.DiskTotalBytes))
	e.gauge("gusty_host_disk_used_bytes", "Of that, in use.", float64(h.DiskUsedBytes))
	e.gauge("gusty_host_disk_free_bytes", "Of that, free.", float64(h.DiskFreeBytes))
	e.counter("gusty_host_network_received_bytes_total",
		"Received on all interfaces but the loopback.", float64(h.NetReceivedBytes))
	e.counter("gusty_host_network_sent_bytes_total", "Sent on all interfaces but the loopback.",
		float64(h.NetSentBytes))
	e.gauge("gusty_host_processes", "Number of processes.", float64(h.Processes))
	e.gauge("gusty_host_boot_time_seconds", "When the host was started, in Unix time.",
		float64(h.BootTimeSeconds))
	e.gauge("gusty_host_sample_timestamp_seconds", "When these figures were taken, in Unix time.",
		unixSeconds(s.At))
	e.family("gauge", "gusty_host_collector_stale",
		"1 for each collector whose figures are older than the sample.")
	for _, name := range s.Stale {
		e.value(1, label{"collector", name})
	}
}

func (e *exposition) process(p *messages.ProcessFigures) {
	e.gauge("process_resident_memory_bytes", "Resident memory of the agent.",
		float64(p.ResidentBytes))
	e.gauge("process_virtual_memory_bytes", "Virtual memory of the agent.", float64(p.VirtualBytes))
	e.counter("process_cpu_seconds_total", "Processor time of the agent, user and system.",
		p.CPUSeconds)
	e.gauge("process_open_fds", "Open file descriptors.", float64(p.OpenFDs))
	e.gauge("process_max_fds", "How many file descriptors may be open.", float64(p.MaxFDs))
	e.gauge("process_start_time_seconds", "When the agent was started, in Unix time.",
		float64(p.StartTimeSeconds))
	e.gauge("gusty_process_threads", "Threads of the operating system.", float64(p.Threads))
	e.gauge("gusty_process_goroutines", "Goroutines.", float64(p.Goroutines))
	e.gauge("gusty_process_heap_bytes", "Heap in use.", float64(p.HeapBytes))
}

func (e *exposition) actors(actors []messages.ActorStats) {
	e.family("gauge", "gusty_actor_up", "Whether the actor is up.")
	for _, a := range actors {
		e.value(oneIf(a.State == "up"), label{"actor", a.Name})
	}
	e.family("counter", "gusty_actor_restarts_total", "How often the actor was restarted.")
	for _, a := range actors {
		e.value(float64(a.Restarts), label{"actor", a.Name})
	}
	e.family("gauge", "gusty_actor_mailbox_depth", "Messages that wait for the actor.")
	for _, a := range actors {
		e.value(float64(a.MailboxDepth), label{"actor", a.Name})
	}
}

func (e *exposition) scheduler(s *messages.SchedulerStats) {
	e.gauge("gusty_scheduler_jobs", "Stored jobs.", float64(s.Jobs))
	e.counter("gusty_scheduler_due_total", "Firings whose time came.", float64(s.Due))
	e.counter("gusty_scheduler_fired_total", "Of those, handed to an executor.", float64(s.Fired))
	e.gauge("gusty_scheduler_firing", "0 while all scheduled firing is paused.", oneIf(s.Firing))
	e.gauge("gusty_scheduler_quarantined_jobs",
		"Jobs that do not fire because their executor kept failing.", float64(s.Quarantined))
	e.gauge("gusty_scheduler_next_due_timestamp_seconds",
		"The next due time, in Unix time; 0 for none.", unixSeconds(s.NextDue))
	e.histogram("gusty_scheduler_lag_seconds", "From due time to the start of the process.", s.Lag)
}

func (e *exposition) runs(s *messages.Stats) {
	e.gauge("gusty_runs_active", "Runs under way.", float64(s.Active))
	e.family("counter", "gusty_runs_total",
		"Runs that ended, and firings that came to nothing, by outcome.")
	for _, state := range messages.RunStates() {
		if !state.Active() {
			e.value(float64(s.Runs[state]), label{"state", string(state)})
		}
	}
}

func (e *exposition) starts(s *messages.StartStats) {
	e.gauge("gusty_run_starts_failing", "1 while this host can't start runs, whatever their "+
		"jobs; 0 while it can.", oneIf(s.Failing))
	e.counter("gusty_run_start_failures_total",
		"Runs that were not started for a reason of the host.", float64(s.Failures))
}

func (e *exposition) outbox(o *messages.OutboxStanding) {
	e.gauge("gusty_outbox_documents", "Documents that wait for OpenSearch.", float64(o.Waiting))
	e.gauge("gusty_outbox_bytes", "Their size.", float64(o.Bytes))
	e.gauge("gusty_outbox_oldest_timestamp_seconds",
		"When the oldest was queued, in Unix time; 0 for none.", unixSeconds(o.OldestAt))
	e.gauge("gusty_outbox_dead_letters", "Documents that OpenSearch refused and that are kept.",
		float64(o.Dead))
	e.gauge("gusty_outbox_shipping", "1 while documents are shipped as they come; 0: backing "+
		"off, paused or disabled.", oneIf(strings.HasPrefix(o.State, "shipping")))
	e.family("gauge", "gusty_outbox_state", "1 for how shipping stands, 0 for the other states.")
	for _, state := range messages.ShippingStates() {
		e.value(oneIf(strings.HasPrefix(o.State, state)),
			label{"state", strings.ReplaceAll(state, " ", "_")})
	}
	e.gauge("gusty_outbox_next_try_timestamp_seconds",
		"When what waits is tried again, in Unix time; 0 while it is shipped as it comes.",
		unixSeconds(o.NextTryAt))
	e.gauge("gusty_outbox_last_error_timestamp_seconds",
		"When the last error of shipping was, in Unix time; 0 for none.", unixSeconds(o.LastAt))
	e.gauge("gusty_outbox_shipped_per_second", "Documents shipped a second, over the last minute.",
		o.Rate)
	e.counter("gusty_outbox_shipped_total", "Documents that OpenSearch took.", float64(o.Shipped))
	e.counter("gusty_outbox_refused_total", "Documents that OpenSearch refused for good.",
		float64(o.Refused))
	e.counter("gusty_outbox_dropped_total",
		"Documents that were dropped because the outbox was full or they were too old.",
		float64(o.Dropped))
}

func (e *exposition) store(s *messages.StoreStats) {
	e.counter("gusty_store_commits_total", "Transactions.", float64(s.Commits))
	e.counter("gusty_store_changes_total", "Changes in them.", float64(s.Changes))
	e.gauge("gusty_store_file_bytes", "Size of the database file.", float64(s.FileBytes))
	e.gauge("gusty_runs_stored", "Runs in the history.", float64(s.Runs))
	e.gauge("gusty_runs_stored_bytes", "What the history takes in rows and output files; bound "+
		"by runs_limit_bytes.", float64(s.RunBytes))
	e.family("gauge", "gusty_store_degraded",
		"1 while the store cannot write, with the reason's code.")
	if s.Degraded != "" {
		e.value(1, label{"code", s.Degraded})
	} else {
		e.value(0, label{"code", ""})
	}
}

func (e *exposition) http(s *Server) {
	e.family("counter", "gusty_http_requests_total", "Answers, by route and status.")
	statuses := countedStatuses()
	for place := range s.stats.routes {
		method, path := s.table.name(place)
		for i, status := range statuses {
			if n := s.stats.routes[place][i].Load(); n > 0 {
				e.value(float64(n), label{"method", method}, label{"path", path},
					label{"status", strconv.Itoa(status)})
			}
		}
	}
	e.histogram("gusty_http_request_duration_seconds",
		"From a request's last byte to its answer's first.", s.stats.durations())
	open, refused := s.connections()
	e.gauge("gusty_http_connections", "Open connections.", float64(open))
	e.counter("gusty_http_connections_refused_total",
		"Connections closed at once because too many were open.", float64(refused))
}
