# boot.sh NAME boots a machine of that name, which is there until standard input ends: the caller
# closed it, or is dead. Then nothing is left of it. What the machine says goes to standard output.
set -u
name=$1
exec 3<&0 </dev/null

# A manager moves what it finds in its cgroup, so the machine gets one of its own.
cgroups=()
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	[[ -e $hierarchy/cgroup.procs ]] && mkdir "$hierarchy/$name" && cgroups+=("$hierarchy/$name")
done

# What is mounted here, over /run and /tmp too, is seen nowhere else, and nspawn leaves its own
# traces there. A PID namespace takes everything with it when its first process is killed.
inside='
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /tmp && mkdir /run/root &&
mount --bind / /run/root || exit
exec systemd-nspawn --quiet --directory=/run/root --volatile=overlay --boot --machine="$0" \
	--register=no --keep-unit --private-network --settings=no --link-journal=no \
	--resolv-conf=off --timezone=off --console=pipe systemd.unit=basic.target
'
(
	for cgroup in "${cgroups[@]}"; do
		echo "$BASHPID" >"$cgroup/cgroup.procs" || exit
	done
	exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
		bash -c "$inside" "$name"
) 2>&1 3<&- &
machine=$!
cat <&3 >/dev/null &
caller=$!
wait -n

exec 2>/dev/null # what has ended is none to kill
# unshare waits for the first process of the namespace, and --kill-child is for its own sudden end.
first=$(<"/proc/$machine/task/$machine/children")
kill -KILL ${first:-$machine} "$caller"
wait
# The processes of a namespace go one after the other.
for cgroup in "${cgroups[@]}"; do
	for ((i = 0; i < 200; i++)); do
		find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
		[[ -e $cgroup ]] || break
		sleep .05
	done
done
