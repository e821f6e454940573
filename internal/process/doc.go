// Package process starts a script or a command, captures what it prints, accounts for it, and ends
// its whole tree.
//
// A Host is what the machine allows, probed once at start, each capability by itself. On Linux a
// run's processes are told from all others by the first of these marks that the host can give:
//
//   - a cgroup (v2, with or without controllers) of the run's own, into which its first process is
//     born. cgroup.kill ends it whole.
//   - a cgroup namespace of the run's own. A process can't leave it without privileges, it survives
//     setsid, double forks and a cleared environment, and /proc/<pid>/ns/cgroup shows it. The Host
//     holds the namespace open while the run lasts, so that its number is not given to another one.
//   - the process group, its sessions and descendants, its id in their environment, and a resource
//     limit of a value of its own, which nothing looks at and nobody without privileges can raise.
//     This is all that an unprivileged agent has where no cgroup is delegated to it. A process that
//     leaves its session, loses its parents, clears its environment and lowers that limit escapes
//     it.
//
// What was there when the agent started may be gone later: the directory for cgroups is made again,
// and a run that can't have the best mark has the next one, unless it has a limit that only a
// cgroup holds. The cgroup of a run is held by a descriptor while the run lasts, so that it is
// accounted for and ended also where its path is none any more.
//
// Whatever the mark, the Host makes the agent a child subreaper, so that every process of a run
// stays a descendant of the agent. Without a cgroup only such descendants are ever signalled, each
// by a pidfd and after its start time was checked; a mark that is empty or can't be read matches
// nothing. Orphans of an agent that crashed are the one exception: see EndOrphans.
//
// A run is asked to end (SIGTERM) before it is killed. In a cgroup it is frozen meanwhile;
// elsewhere its group is signalled at once, and what has left the group one by one until nobody is
// unasked; that is looked at again, ever more rarely, until the run has ended. See asking.
//
// Nobody waits for "any child": a Process reaps its own main process, and the reaper takes zombies
// that were adopted from runs, which are those children that no Process owns and whose process
// group is not the agent's. A child that other code of the agent starts must therefore stay in the
// agent's process group (os/exec does that unless told otherwise).
//
// A script reaches its interpreter as a sealed memory file on descriptor 3, so it is in no argument
// list and in no file that others can read, and standard input stays free (it is /dev/null). Its $0
// is /proc/self/fd/3, and what Python looks for modules in first is /. On Windows it is a file that
// only the agent's account and administrators can read, in Host's private directory, removed when
// the run ends.
//
// A run is the leader of a session of its own without a controlling terminal, so that no script can
// type for who started the agent. What else it does not inherit is in heritage: it changes between
// fork and exec, in the child, before the first instruction of the script (see spawn).
//
// On Windows a run is a Job Object.
package process
