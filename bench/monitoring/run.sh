#!/bin/sh
# The monitors' figures on this machine: run.sh [SECONDS] [HOSTS]. Needs the built module (./build.sh build), a C compiler and, for the hosts, sshd.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60} hosts=${2:-200}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
dotnet build bench/monitoring -c Release -v q -nologo -o "$work/bench"
tests/nvml-stub/build.sh "$work/nvml"
export ROBUSTTRAIN_NVML="$work/nvml/libnvml-stub.so"
bench="dotnet $work/bench/RobustTrain.Bench.Monitoring.dll"
echo "load average $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
$bench cost "$seconds"
echo "the same without the runtime's repeated compilation in the background, as it is once that has settled:"
DOTNET_TieredCompilation=0 $bench cost "$seconds"
PATH="$PWD/tests/nvidia-smi-stub:$PATH" python3 bench/monitoring/loop.py "$seconds" frugal
PATH="$PWD/tests/nvidia-smi-stub:$PATH" python3 bench/monitoring/loop.py "$seconds" seeds
$bench stop idle 200
$bench stop sampling 200
echo 'hang nvmlDeviceGetUtilizationRates' > "$ROBUSTTRAIN_NVML.scene"
$bench stop hung 200
echo 'gpus 8' > "$ROBUSTTRAIN_NVML.scene"
pwsh -NoProfile -File bench/monitoring/get-gpustatus.ps1
[ -x /usr/sbin/sshd ] || { echo "sshd is not installed (Debian: openssh-server): the hosts are left out."; exit 0; }
mkdir -p /run/sshd
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
$bench hosts "$work/ssh_config" "$hosts" "$((seconds / 2))"
