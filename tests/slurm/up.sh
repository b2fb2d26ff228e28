#!/bin/bash
# usage: up.sh DIR NODES CPUS    A private Slurm on this machine: munge, slurmctld and a slurmd for every "node", all in
# DIR and on 127.0.0.1; needs no systemd. UTS=1 gives every node its own host name and /dev/shm (needs CAP_SYS_ADMIN):
# without, Open MPI takes two nodes for one and its shared memory crashes. (Our own, as is down.sh.)
# DIR must be short: Unix sockets have 108 bytes.
set -eu
dir=$1 nodes=$2 cpus=$3
mkdir -p "$dir"/{munge,state,log}
dir=$(cd "$dir" && pwd -P)
chmod 755 "$dir" "$dir/munge"
host=$(hostname -s) user=$(id -un)
export SLURM_CONF=$dir/slurm.conf

read -r -a port < <(/usr/bin/python3 - $((nodes + 1)) <<'PY'
import socket, sys
free = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in free:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in free])
PY
)
(umask 077 && head -c 1024 /dev/urandom >"$dir/munge/munge.key")
munged --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.sock" --pid-file="$dir/munge/munged.pid" \
  --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/munged.seed" --num-threads=2 --force 2>>"$dir/log/munged.err"

# cred_expire: a job that is queued again waits for so long. KillWait: from TERM to KILL.
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${port[0]}
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
TmpFS=$dir/tmp.%n
PlugStackConfig=$dir/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=pmix
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2,requeue_delay=0
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=300
InactiveLimit=0
MinJobAge=300
KillWait=5
OverTimeLimit=0
JobRequeue=1
UnkillableStepTimeout=30
CompleteWait=0
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 OverSubscribe=NO State=UP
CONF
: >"$dir/plugstack.conf"
{ grep -v '^#' /etc/hosts; echo "127.0.0.1 $(seq -f n%g -s ' ' "$nodes")"; } >"$dir/hosts"
for ((i = 1; i <= nodes; i++)); do
  mkdir -p "$dir/spool.n$i" "$dir/tmp.n$i"
  echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=${port[i]} CPUs=$cpus RealMemory=1000 State=UNKNOWN"
done >>"$SLURM_CONF"

slurmctld -c -f "$SLURM_CONF"
for ((i = 1; i <= nodes; i++)); do
  if [ "${UTS:-1}" = 1 ]; then
    # shellcheck disable=SC2016 # for the inner shell
    unshare --uts --mount --propagation private sh -c '
      hostname "$1" && mount --bind "$2/hosts" /etc/hosts && mount -t tmpfs -o size=256m,mode=1777 shm /dev/shm &&
      exec slurmd -f "$2/slurm.conf" -N "$1"' sh "n$i" "$dir"
  else
    slurmd -f "$SLURM_CONF" -N "n$i"
  fi
done
for _ in $(seq 100); do
  [ "$(sinfo -h -N -o '%T' 2>/dev/null | grep -c '^idle$')" != "$nodes" ] || exit 0
  sleep 0.1
done
echo "Slurm did not come up" >&2
tail "$dir"/log/* >&2
exit 1
