package contract

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"gusty/test/agent"
)

// TestFirstStart looks at what an agent makes of an empty directory.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "state")
	process := agent.StartT(t, dir)
	for name, mode := range map[string]os.FileMode{
		".": 0o700, "gusty.db": 0o600, "key": 0o600, "admin-password": 0o600, "agent.json": 0o600, "tls/server-key.pem": 0o600,
		"tls/ca.pem": 0, "tls/server.pem": 0,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if mode != 0 && runtime.GOOS != "windows" && info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
	credentials, err := process.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	if credentials.User != "Admin" || len(credentials.Password) < 22 {
		t.Errorf("the first user is %q with a password of %d characters; 128 random bits need 22",
			credentials.User, len(credentials.Password))
	}
	if strings.Contains(process.Log(), credentials.Password) {
		t.Error("the first password stands in the log")
	}
	if pid, url, err := process.Announced(); err != nil || pid != process.PID ||
		!strings.HasSuffix(url, ":"+strconv.Itoa(process.Port)) {
		t.Errorf("agent.json says pid %d, url %s (%v); want pid %d and port %d", pid, url, err,
			process.PID, process.Port)
	}
	requireTLS(t, process)
	if code, err := process.Stop(); code != 0 || err != nil {
		t.Errorf("after SIGTERM the exit code is %d (%v), want 0", code, err)
	}
}

// TestReadyAtEveryLevel starts agents whose log shows less than the line that says that they serve:
// it is there all the same, and the only one.
func TestReadyAtEveryLevel(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"warning", "error"} {
		for _, format := range []string{"json", "text"} {
			process := agent.StartT(t, t.TempDir(), "--log-level", level, "--log-format", format)
			if n := strings.Count(process.Log(), "\n"); n != 1 ||
				!strings.Contains(process.Log(), process.URL) {
				t.Errorf("at level %s the log should hold the line with the url alone:\n%s", level,
					process.Log())
			}
			if code, err := process.Stop(); code != 0 || err != nil {
				t.Errorf("exit code %d (%v), want 0", code, err)
			}
		}
	}
}

// TestReadyAtStoredLevel does the same with the level as a parameter.
func TestReadyAtStoredLevel(t *testing.T) {
	t.Parallel()
	first := agent.StartT(t, t.TempDir())
	if _, err := first.ClientT(t).Want(t.Context(), http.StatusOK, http.MethodPut, "/agent/config",
		property("log_level", "error")); err != nil {
		t.Fatal(err)
	}
	if code, err := first.Stop(); code != 0 || err != nil {
		t.Fatalf("exit code %d (%v), want 0", code, err)
	}
	if again := agent.StartT(t, first.Dir); strings.Count(again.Log(), "\n") == 0 {
		t.Error("the log is empty")
	}
}

// requireTLS expects a certificate for localhost that the CA of the data directory vouches for, and
// no TLS below 1.2.
func requireTLS(t *testing.T, process *agent.Process) {
	t.Helper()
	config, err := process.TLS()
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(process.Port))
	for _, name := range []string{"localhost", "127.0.0.1"} {
		config.ServerName = name
		connection, err := tls.Dial("tcp", address, config)
		if err != nil {
			t.Errorf("TLS to %s: %v", name, err)
			continue
		}
		_ = connection.Close()
	}
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if connection, err := tls.Dial("tcp", address, config); err == nil {
		_ = connection.Close()
		t.Error("the agent speaks TLS 1.1")
	}
}

// fails starts an agent that must end by itself with the exit code, and gives what it wrote.
func fails(t *testing.T, code int, o agent.Options) string {
	t.Helper()
	o.Binary = os.Getenv(agent.BinaryVariable)
	process, err := agent.Launch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("the exit code is %d, want %d; it wrote:\n%s", got, code, process.Log())
	}
	if strings.Contains(process.Log(), "goroutine ") ||
		!strings.HasPrefix(lastLine(process.Log()), "gustyd: ") {
		t.Errorf("a start that fails ends with one sentence that says why; it wrote:\n%s",
			process.Log())
	}
	return process.Log()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestBadFlag(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--no-such-flag"}, {"--log-level", "loud"}, {"--log-format", "xml"}, {"--listen", "nowhere at all"}, {"one", "two"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			fails(t, 64, agent.Options{Dir: dir, Args: args})
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("a bad flag must leave no data directory behind: %v", err)
			}
		})
	}
}

// TestBadVariable: what is wrong in the environment is refused as a flag is.
func TestBadVariable(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"GUSTY_LOG_LEVEL=loud", "GUSTY_LOG_FORMAT=xml"} {
		fails(t, 64, agent.Options{Dir: t.TempDir(), Env: []string{variable}})
	}
	// Those that agent.Options overrides by flags.
	for _, variable := range []string{"GUSTY_PORT=http", "GUSTY_PORT=65536", "GUSTY_LISTEN=home"} {
		if out, code := runBare(t, variable); code != 64 || !strings.HasPrefix(out, "gustyd: ") {
			t.Errorf("with %s it exits with %d and says %q", variable, code, out)
		}
	}
}

// runBare runs gustyd with nothing but variables and arguments of the form --name, and returns what
// it said and its exit code.
func runBare(t *testing.T, words ...string) (said string, code int) {
	t.Helper()
	binary, dir := os.Getenv(agent.BinaryVariable), filepath.Join(t.TempDir(), "state")
	cmd := exec.CommandContext(t.Context(), binary, "--data-dir", dir)
	cmd.Env = os.Environ()
	for _, word := range words {
		if strings.HasPrefix(word, "--") {
			cmd.Args = append(cmd.Args, word)
		} else {
			cmd.Env = append(cmd.Env, word)
		}
	}
	out, _ := cmd.CombinedOutput() // the exit code says it
	return string(out), cmd.ProcessState.ExitCode()
}

// TestInformingFlags: what only prints exits with 0, however wrong the environment is.
func TestInformingFlags(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{"--version": "gustyd ", "--help": "usage: gustyd "} {
		for _, variable := range []string{"GUSTY_LOG_LEVEL=info", "GUSTY_LOG_LEVEL=loud"} {
			if out, code := runBare(t, flag, variable); code != 0 || !strings.HasPrefix(out, want) {
				t.Errorf("%s with %s exits with %d and says %q", flag, variable, code, out)
			}
		}
	}
}

// TestDirectoryInUse starts two agents on one directory: the second says who holds it.
func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	first := agent.StartT(t, t.TempDir())
	said := fails(t, 4, agent.Options{Dir: first.Dir})
	if !strings.Contains(said, strconv.Itoa(first.PID)) {
		t.Errorf("the second agent does not name process %d:\n%s", first.PID, said)
	}
	if pid, _, err := first.Announced(); err != nil || pid != first.PID {
		t.Errorf("the second agent changed agent.json: pid %d (%v)", pid, err)
	}
}

// TestTakenPort waits for a port that was asked for by name and is held by another: ten seconds,
// then exit 1.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	said := fails(t, 1, agent.Options{Dir: t.TempDir(), Port: port})
	if !strings.Contains(said, strconv.Itoa(port)) {
		t.Errorf("the port %d is not named:\n%s", port, said)
	}
}
