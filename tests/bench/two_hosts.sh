#!/usr/bin/env bash
# Two ranks on two hosts, which are network namespaces: TCP between them over a bridge, and over a cable with delay and
# limited bandwidth (slow_link.cc; not every kernel has netem). Losses must equal those of one rank in every digit; prints
# what training waits for. Needs root, iproute2, /dev/net/tun, build/release and stores/wordnet.qh.
#
#   tests/bench/two_hosts.sh [DELAY_MS [GIGABIT_PER_S [EPOCHS]]]      1 ms, 1 Gbit/s and one epoch by default
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! ip netns list >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED: network namespaces cannot be made here (root and iproute2 are needed)"
  exit 77
fi
delay=${1:-1}
rate=${2:-1}
epochs=${3:-1}
id=$((RANDOM % 9000 + 1000))
subnet=10.$((id % 200 + 20)).$((id / 200))       # the bridge's: mpirun reaches its hosts here
slow_subnet=10.$((id % 200 + 20)).$((id / 200 + 50)) # the cable's
link=0
runs=$(mktemp -d)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

clean_up() {
  [ "$link" -eq 0 ] || kill "$link" 2>/dev/null || true
  for i in 1 2; do ip netns del "qh$id-$i" 2>/dev/null || true; done
  ip link del "qhb$id" 2>/dev/null || true
  rm -rf "$runs"
}
trap clean_up EXIT

make_hosts() {
  ip link add "qhb$id" type bridge
  ip addr add "$subnet.1/24" dev "qhb$id"
  ip link set "qhb$id" up
  for i in 1 2; do
    ip netns add "qh$id-$i"
    ip link add "qhv$id-$i" type veth peer name eth0 netns "qh$id-$i"
    ip link set "qhv$id-$i" master "qhb$id" up
    ip netns exec "qh$id-$i" ip addr add "$subnet.1$i/24" dev eth0
    ip netns exec "qh$id-$i" ip link set eth0 up
    ip netns exec "qh$id-$i" ip link set lo up
  done
  # What mpirun starts its daemons with: AGENT [OPTIONS] HOST COMMAND... Hosts share /tmp here, so Open MPI's session
  # folders need places of their own.
  cat >"$runs/agent" <<AGENT
#!/usr/bin/env bash
while [[ \$1 == -* ]]; do shift; done
host=\$1; shift
export TMPDIR=$runs/tmp\${host##*.1}
mkdir -p "\$TMPDIR"
exec ip netns exec "qh$id-\${host##*.1}" bash -c "\$*"
AGENT
  chmod +x "$runs/agent"
}

# Joins the hosts by the cable, too.
lay_cable() {
  build/release/tests/bench/quadhop_slow_link "qh$id-1" "qh$id-2" "$delay" "$rate" >"$runs/link" &
  link=$!
  for _ in $(seq 100); do grep -q ready "$runs/link" && break || sleep 0.05; done
  for i in 1 2; do
    ip netns exec "qh$id-$i" ip link set slow0 mtu 9000
    ip netns exec "qh$id-$i" ip addr add "$slow_subnet.1$i/24" dev slow0
    ip netns exec "qh$id-$i" ip link set slow0 up
  done
}

settings=(--config quickstart --set train.epochs="$epochs" --set train.batch=1024 --set train.log_every_steps=1 --threads 1)

# train NAME PLACEMENT SUBNET: the ranks' messages go over SUBNET.
train() {
  local run=$runs/$1
  mpirun --mca plm rsh --mca plm_rsh_agent "$runs/agent" --mca oob_tcp_if_include "$subnet.0/24" --mca btl tcp,self \
    --mca rtc_hwloc_vmhole none --mca btl_tcp_if_include "$3.0/24" --mca pml ob1 -H "$subnet.11:1,$subnet.12:1" -n 2 --bind-to none \
    "$PWD/build/release/quadhop" train --store "$PWD/stores/wordnet.qh" --run "$run" "${settings[@]}" \
    --set sampler.feature_placement="$2" >"$run.log" 2>&1 || { cat "$run.log" >&2; exit 1; }
  local epoch
  epoch=$(grep '"event":"epoch"' "$run/metrics.jsonl" | tail -1)
  number() { sed -nE "s/.*\"$1\":([-+0-9.eE]+).*/\1/p" <<<"$epoch"; }
  awk -v name="$1" -v seconds="$(number seconds)" -v wait="$(number exposed_wait_seconds)" -v sums="$(number exposed_sums_seconds)" -v bytes="$(number feature_bytes_received)" \
    -v sample="$(number busy_sample_seconds)" -v exchange="$(number busy_exchange_seconds)" -v gather="$(number busy_gather_seconds)" 'BEGIN {
    printf "%-18s %6.2f s  waited for batches %4.1f %%, for sums %4.1f %%  received %5.1f MB  busy: sample %.2f s, exchange %.2f s, gather %.2f s\n", name,
      seconds, 100 * wait / seconds, 100 * sums / seconds, bytes / 1e6, sample, exchange, gather }'
  if ! cmp -s <(losses "$runs/alone") <(losses "$run"); then
    echo "FAILED: the losses of $1 are not those of one rank" >&2
    exit 1
  fi
}
losses() { grep -o '"\(train_\)\?loss":[^,}]*' "$1/metrics.jsonl"; }

make_hosts
build/release/quadhop train --store stores/wordnet.qh --run "$runs/alone" "${settings[@]}" >"$runs/alone.log" 2>&1
train mapped MAPPED "$subnet"
train partitioned PARTITIONED "$subnet"
lay_cable
train "mapped, slow" MAPPED "$slow_subnet"
train "partitioned, slow" PARTITIONED "$slow_subnet"
echo "losses equal in every digit"
