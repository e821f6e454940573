package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const usage = `usage: gustyd [PORT] [flags]

The Gusty agent. It runs in the foreground and logs to standard error.

  PORT                 the port to serve on; without it the parameter server_port, or a free port beside it
  --data-dir DIR       where the agent keeps its state (environment GUSTY_DATA_DIR)
  --listen ADDR        the address to serve on (GUSTY_LISTEN); default: the parameter ip_addr
  --key-file FILE      the key-encryption key (GUSTY_KEY_FILE); default: the systemd credential gusty.key, else the passphrase in the file that
                       GUSTY_PASSPHRASE_FILE names or that is typed, else the file key in the data directory
  --passphrase         ask for a passphrase at the first start, instead of making a key
  --log-level LEVEL    error, warning, info or debug (GUSTY_LOG_LEVEL); default: the parameter log_level
  --log-format FORMAT  json or text (GUSTY_LOG_FORMAT); default json
  --generation-file F  where to note how many transactions the database has seen, so that an older copy of it is refused
                       (GUSTY_GENERATION_FILE); default: the file generation in the data directory
  --accept-rollback    start with an older copy of the database, as after the restore of a backup
  --start-empty        move a damaged database aside and begin a new one
  --version            print the version and exit

A flag goes before its environment variable, that before the stored parameter, and that before the default.
`

// settings are what flags and environment say; what they leave open comes from the stored
// parameters.
type settings struct {
	dataDir    string
	keyFile    string
	listen     string // empty: the parameter ip_addr
	port       int    // 0: the parameter server_port
	logLevel   string // empty: the parameter log_level
	logFormat  string
	startEmpty bool
	passphrase bool

	generationFile string
	acceptRollback bool

	showVersion bool
}

type lookupEnv func(string) (string, bool)

// parseSettings reads flags and, where a flag is not given, the environment. PORT may stand before,
// between or behind the flags.
func parseSettings(args []string, env lookupEnv) (settings, error) {
	var s settings
	var port string
	flags := flag.NewFlagSet("gustyd", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	text := func(to *string, name, variable string) {
		*to, _ = env(variable)
		flags.StringVar(to, name, *to, "")
	}
	text(&s.dataDir, "data-dir", "GUSTY_DATA_DIR")
	text(&s.keyFile, "key-file", "GUSTY_KEY_FILE")
	text(&s.generationFile, "generation-file", "GUSTY_GENERATION_FILE")
	text(&s.listen, "listen", "GUSTY_LISTEN")
	text(&s.logLevel, "log-level", "GUSTY_LOG_LEVEL")
	text(&s.logFormat, "log-format", "GUSTY_LOG_FORMAT")
	flags.BoolVar(&s.startEmpty, "start-empty", false, "")
	flags.BoolVar(&s.acceptRollback, "accept-rollback", false, "")
	flags.BoolVar(&s.passphrase, "passphrase", false, "")
	flags.BoolVar(&s.showVersion, "version", false, "")
	port, _ = env("GUSTY_PORT")
	positional, err := parseMixed(flags, args)
	switch {
	case err != nil:
		return s, err
	case len(positional) > 1:
		return s, fmt.Errorf("one PORT is enough, not %q", strings.Join(positional, " "))
	case len(positional) == 1:
		port = positional[0]
	}
	if s.showVersion {
		return s, nil // whatever the environment says
	}
	return s, s.complete(port)
}

// parseMixed parses flags and gives what is none, wherever it stands.
func parseMixed(flags *flag.FlagSet, args []string) (positional []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return positional, nil
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

// complete checks the values and fills in the defaults that do not come from the store.
func (s *settings) complete(port string) error {
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("PORT: %q is not a number from 1 to 65535", port)
		}
		s.port = n
	}
	if s.listen != "" {
		if _, err := netip.ParseAddr(s.listen); err != nil {
			return fmt.Errorf("--listen: %q is not an IP address", s.listen)
		}
	}
	if s.logLevel != "" {
		if _, known := levelOf(s.logLevel); !known {
			return fmt.Errorf("--log-level: %q is none of error, warning, info, debug", s.logLevel)
		}
	}
	switch s.logFormat {
	case "":
		s.logFormat = formatJSON
	case formatJSON, formatText:
	default:
		return fmt.Errorf("--log-format: %q is neither json nor text", s.logFormat)
	}
	return s.completeDir()
}

func (s *settings) completeDir() error {
	if s.dataDir == "" {
		dir, err := defaultDataDir(os.Getuid(), os.LookupEnv)
		if err != nil {
			return err
		}
		s.dataDir = dir
	}
	dir, err := filepath.Abs(s.dataDir)
	if err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	s.dataDir = dir
	return nil
}

// errNoHome says that there is no place for the state by default.
var errNoHome = errors.New(
	"no home directory is known for this user: name a data directory with --data-dir")

// levelOf returns the slog level of one of the four names that the parameter log_level takes.
func levelOf(name string) (slog.Level, bool) {
	switch name {
	case "error":
		return slog.LevelError, true
	case "warning":
		return slog.LevelWarn, true
	case "info":
		return slog.LevelInfo, true
	case "debug":
		return slog.LevelDebug, true
	default:
		return 0, false
	}
}
