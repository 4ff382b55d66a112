#!/usr/bin/env bash
# The live page with many runs: bench/dashboard/run.sh [RUNS] [EPOCHS] [GPUS] [STEPS of an epoch that are in the journal]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
runs=${1:-200} epochs=${2:-1000} gpus=${3:-64} steps=${4:-10}
robusttrain=${ROBUSTTRAIN_HOST:-../../artifacts/RobustTrain/host/robusttrain}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
python3 make-runs.py "$work/runs" "$runs" "$epochs" "$steps"
"$robusttrain" dashboard "$work/runs" --port 0 --gpu-source "simulated:$gpus" >"$work/out" &
server=$!
until url=$(grep -om1 'http://[^ ]*' "$work/out"); do
  kill -0 "$server" || { cat "$work/out" >&2; exit 1; }
  sleep 0.1
done
python3 measure.py "$server" "$url" "$work/runs"
