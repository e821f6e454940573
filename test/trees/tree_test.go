//go:build linux

package trees

// tree is a script that calls `ready` when all of it is there.
type tree struct {
	name, script string
	// stubborn trees need SIGKILL: they last their whole kill grace.
	stubborn bool
	// escapes from an agent that has only a limit to mark its runs by, as the package process says.
	escapes bool
}

// Nothing here may grow without end: root has no limit.
var hardest = []tree{
	{name: "forks", script: `for i in 1 2 3; do (sleep 1000 & sleep 1000 & wait) & done; ready; wait`},
	{
		name:   "daemon",
		script: `env -i setsid sh -c 'setsid sh -c "sleep 1000 & sleep 1000" & exit'; sleep .05; ready; sleep 1000`,
	},
	{
		name: "daemon with a limit of its own", escapes: true,
		script: `env -i setsid sh -c 'setsid bash -c "ulimit -x 7; sleep 1000 & sleep 1000" & exit'; sleep .05; ready; sleep 1000`,
	},
	{
		name: "stubborn daemon", stubborn: true,
		script: `trap '' TERM; env -i setsid sh -c 'setsid sh -c "trap \"\" TERM HUP INT; sleep 1000 & sleep 1000" & exit'; sleep .05; ready; sleep 1000`,
	},
	{name: "ignores SIGTERM", stubborn: true, script: `trap '' TERM; sleep 1000 & setsid sleep 1000 & ready; while :; do sleep 1000; done`},
	{name: "holds the pipes", script: `setsid sleep 1000 & setsid sh -c 'sleep 1000; sleep 1000' & ready; sleep 1000`},
	{name: "fills the output", script: `ready; yes >&2 & setsid yes & yes`},
	{name: "fills the output and ignores SIGTERM", stubborn: true, script: `trap '' TERM; ready; yes & setsid yes >&2 & yes`},
	{name: "forks on and on", script: `f() { [ $1 -lt 400 ] || exit; sleep .004; (f $(($1+1))) & }; (f 0) & (f 0) & (f 0) & ready; sleep 1000`},
	{
		name: "forks while it is killed", stubborn: true,
		script: `trap '' TERM; f() { [ $1 -lt 4000 ] || exit; sleep .001; (f $(($1+1))) & }; (f 0) & (f 0) & ready; sleep 1000`,
	},
	{name: "stopped", script: `sleep 1000 & kill -STOP $!; setsid sleep 1000 & kill -STOP $!; ready; kill -STOP $BASHPID`},
	{name: "threads", script: `ready; exec python3 -c 'import threading, time
for i in range(20): threading.Thread(target=time.sleep, args=(1000,)).start()'`},
	{
		name: "threads that fork and ignore", stubborn: true, script: `ready; exec python3 -c 'import signal, subprocess, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for i in range(5): threading.Thread(target=subprocess.run, args=(["sleep", "1000"],)).start()'`,
	},
	{name: "another program", script: `sleep 1000 & ready; exec sleep 1000`},
	{name: "another name", script: `(printf kworker >/proc/$BASHPID/comm; exec -a '[kworker/0:1]' sleep 1000) & ready; exec -a '' sleep 1000`},
	{name: "leaves its group", script: `set -m; sleep 1000 & sleep 1000 | sleep 1000 & sleep .02; ready; wait`},
	{name: "handles SIGTERM", script: `trap 'sleep .02; exit 7' TERM; (trap "" HUP; sleep 1000) & ready; while :; do wait; done`},
}

// prologue defines ready, which makes a file that the test waits for.
const prologue = `ready() { : >"$FLAGS/$GUSTY_RUN_ID"; }
`
