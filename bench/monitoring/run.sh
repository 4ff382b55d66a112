#!/bin/sh
# The monitors' figures on this machine: run.sh [PIECE ...], all pieces by default, each alone in less than three minutes:
#   cost   CPU time of a monitor of 8 GPUs and the CPU over a minute, and of the Python loop of the same readings
#   stop   latency of stops: idle, in the middle of a sample, hung; and of exit of pwsh
#   get    Get-GpuStatus, warm, in a fresh runspace, in a fresh process
#   hosts  200 hosts over ssh on loopback
# SECONDS_LONG (60) and HOSTS (200) change the scale. Needs the built module (./build.sh build), pwsh, python3, a C compiler and, for the hosts, sshd.
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_LONG:-60} hosts=${HOSTS:-200}
[ $# -gt 0 ] || set -- cost stop get hosts
work=${BENCH_WORK:-$(mktemp -d)}
mkdir -p "$work"
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -n "${BENCH_WORK:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
# With BENCH_WORK the build is kept there and used again: then the pieces alone are timed.
[ -f "$work/bench/RobustTrain.Bench.Monitoring.dll" ] || dotnet publish bench/monitoring -c Release -v q -nologo -o "$work/bench"
[ -f "$work/nvml/libnvml-stub.so" ] || tests/nvml-stub/build.sh "$work/nvml"
export ROBUSTTRAIN_NVML="$work/nvml/libnvml-stub.so"
bench="dotnet $work/bench/RobustTrain.Bench.Monitoring.dll"
stub_path="$PWD/tests/nvidia-smi-stub:$PATH"
echo 'gpus 8' > "$ROBUSTTRAIN_NVML.scene"

cost() {
  # Side by side, for all of them together use little of one core; each counts its own CPU time.
  first= once= settled= shell= bare= python=
  $bench cost first "$seconds" > "$work/first" & first=$!
  DOTNET_TieredCompilation=0 $bench cost first "$seconds" > "$work/once" & once=$!
  $bench cost settled "$seconds" > "$work/settled" & settled=$!
  pwsh -NoProfile -File bench/monitoring/cost.ps1 -Seconds "$seconds" > "$work/shell" & shell=$!
  pwsh -NoProfile -File bench/monitoring/cost.ps1 -Seconds "$seconds" -Bare > "$work/bare" & bare=$!
  PATH="$stub_path" python3 bench/monitoring/loop.py "$seconds" frugal > "$work/python" & python=$!
  wait $first && wait $once && wait $settled && wait $shell && wait $bare && wait $python
  cat "$work/first"
  sed 's/from the start/from the start, DOTNET_TieredCompilation=0/' "$work/once"
  cat "$work/settled" "$work/shell" "$work/bare" "$work/python"
  PATH="$stub_path" python3 bench/monitoring/loop.py "$((seconds / 3))" seeds
}

stop() {
  $bench stop idle 200
  $bench stop sampling 200
  echo 'hang nvmlDeviceGetUtilizationRates' > "$ROBUSTTRAIN_NVML.scene"
  $bench stop hung 60
  echo 'gpus 8' > "$ROBUSTTRAIN_NVML.scene"
  pwsh -NoProfile -File bench/monitoring/exit.ps1
}

get() { pwsh -NoProfile -File bench/monitoring/get-gpustatus.ps1; }

hosts() {
  [ -x /usr/sbin/sshd ] || { echo "sshd is not installed (Debian: openssh-server): the hosts are left out." >&2; return; }
  mkdir -p /run/sshd
  rm -f "$work/host_key" "$work/user_key"
  ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$work/user_key"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat > "$work/sshd_config" <<CONFIG
ListenAddress 127.0.0.1
Port $port
HostKey $work/host_key
AuthorizedKeysFile $work/user_key.pub
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 1000
CONFIG
  echo "[127.0.0.1]:$port $(cat "$work/host_key.pub")" > "$work/known_hosts"
  cat > "$work/ssh_config" <<CONFIG
Host *
  HostName 127.0.0.1
  Port $port
  IdentityFile $work/user_key
  IdentitiesOnly yes
  UserKnownHostsFile $work/known_hosts
CONFIG
  /usr/sbin/sshd -D -E "$work/log" -f "$work/sshd_config" &
  server=$!
  sleep 1
  $bench hosts "$work/ssh_config" "$hosts" 15
}

echo "load average $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(date -u +%Y-%m-%d)"
echo
echo "| what | target | measured |"
echo "| --- | --- | --- |"
for piece in "$@"; do
  case $piece in
    cost | stop | get | hosts) $piece ;;
    *) echo "run.sh: there is no piece '$piece'; there are: cost stop get hosts" >&2; exit 2 ;;
  esac
done
