package api

import "time"

// Limits bound what clients can make the agent hold or do. A zero field has its default.
type Limits struct {
	Connections int // at a time, in all; default: the parameter max_connections, as it changes
	// of those, from one address; default: seven eighths, so that no single address shuts out all
	// others
	PerAddress int

	// from the accepted connection to the end of the TLS handshake; default 10 s
	HandshakeTimeout time.Duration
	ReadTimeout      time.Duration // from a request's first byte to its last; default 30 s
	WriteTimeout     time.Duration // for an answer; default 30 s
	IdleTimeout      time.Duration // between two requests of a connection; default 2 min
	// for an answer that is a run's output; for each piece of it where it follows the run; default
	// 1 h
	StreamTimeout time.Duration
	// for the client of an export to take a piece of it; default 30 s
	StallTimeout time.Duration
	// after which a follower of NDJSON gets a blank line; default 15 s
	QuietTimeout  time.Duration
	ImportTimeout time.Duration // for the body of an import, and for its answer; default 5 min
	// for an actor's reply; default 15 s; what runs a script has its own time on top
	AskTimeout time.Duration

	HeaderBytes       int // request line and headers; default 8 KiB
	BodyBytes         int // default 64 KiB
	ScriptBodyBytes   int // of a request that carries a script; default 1 MiB
	ImportBodyBytes   int // of an import; default 16 MiB
	StrangerBodyBytes int // without valid credentials; default 4 KiB
	BodiesInAll       int // of all bodies under way, but for one import beside them; default 8 MiB
	AnswersInAll      int // of all large answers that clients have not taken yet; default 8 MiB
	Streams           int // answers that are a run's output, at a time; default 50
	Followers         int // answers that follow a run, at a time, beside those; default 50

	Hashes        int           // bcrypt computations at a time; default 2
	HashWait      time.Duration // for one of those to become free; default 3 s
	CredentialTTL time.Duration // how long verified credentials are remembered; default 5 min

	FailuresPerUser    Rate // failed logins; default 50, and one more every 2 s
	FailuresPerAddress Rate // default 100, and one more every second
	FailuresInAll      Rate // default 200, and five more a second
}

// Rate is a token bucket: Burst at once, and one more after each Refill.
type Rate struct {
	Burst  int
	Refill time.Duration
}

// withDefaults returns l with its zero fields filled.
func (l Limits) withDefaults() Limits {
	orDefault(&l.HandshakeTimeout, 10*time.Second)
	orDefault(&l.ReadTimeout, 30*time.Second)
	orDefault(&l.WriteTimeout, 30*time.Second)
	orDefault(&l.IdleTimeout, 2*time.Minute)
	orDefault(&l.StreamTimeout, time.Hour)
	orDefault(&l.StallTimeout, 30*time.Second)
	orDefault(&l.QuietTimeout, 15*time.Second)
	orDefault(&l.ImportTimeout, 5*time.Minute)
	orDefault(&l.AskTimeout, 15*time.Second)
	orDefault(&l.HeaderBytes, 8<<10)
	orDefault(&l.BodyBytes, 64<<10)
	orDefault(&l.ScriptBodyBytes, 1<<20)
	orDefault(&l.ImportBodyBytes, 16<<20)
	orDefault(&l.StrangerBodyBytes, 4<<10)
	orDefault(&l.BodiesInAll, 8<<20)
	orDefault(&l.AnswersInAll, 8<<20)
	orDefault(&l.Streams, 50)
	orDefault(&l.Followers, 50)
	orDefault(&l.Hashes, 2)
	orDefault(&l.HashWait, 3*time.Second)
	orDefault(&l.CredentialTTL, 5*time.Minute)
	orDefault(&l.FailuresPerUser, Rate{Burst: 50, Refill: 2 * time.Second})
	orDefault(&l.FailuresPerAddress, Rate{Burst: 100, Refill: time.Second})
	orDefault(&l.FailuresInAll, Rate{Burst: 200, Refill: 200 * time.Millisecond})
	return l
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
