#!/usr/bin/env bash
# The live page with many runs: bench/dashboard/run.sh [RUNS] [EPOCHS] [GPUS] [STEPS of an epoch that are in the journal] [WINDOWS beside a training]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
runs=${1:-200} epochs=${2:-1000} gpus=${3:-64} steps=${4:-10} windows=${5:-120}
robusttrain=${ROBUSTTRAIN_HOST:-../../artifacts/RobustTrain/host/robusttrain}
# With BENCH_WORK the runs are kept there and used again: to write them takes longer than to measure.
work=${BENCH_WORK:-$(mktemp -d)}
server= training=
cleanup() {
  for process in $server $training; do kill "$process" 2>/dev/null && wait "$process" || true; done
  if [ -n "${BENCH_WORK:-}" ]; then rm -rf "$work/runs/beside" "$work/scenes"; else rm -rf "$work"; fi
}
trap cleanup EXIT
[ -d "$work/runs" ] || python3 make-runs.py "$work/runs" "$runs" "$epochs" "$steps"
# The address is looked for in what this server writes, not in what the last one did.
: >"$work/out"
"$robusttrain" dashboard "$work/runs" --port 0 --gpu-source "simulated:$gpus" >"$work/out" &
server=$!
until url=$(grep -om1 'http://[^ ]*' "$work/out"); do
  kill -0 "$server" || { cat "$work/out" >&2; exit 1; }
  sleep 0.1
done
python3 measure.py "$server" "$url" "$work/runs"

# One epoch that does not end, so that nothing but steps is measured.
"$robusttrain" sample-data "$work/scenes" >/dev/null
cat >"$work/beside.yaml" <<END
name: beside
data: {path: $work/scenes, crop_size: 64, enlarge_ratio: 100000}
loader: {batch_size: 4, num_workers: 1}
model: {base_channels: 8}
trainer: {epochs: 1, log_interval_seconds: 0}
END
"$robusttrain" train "$work/beside.yaml" --run-path "$work/runs/beside" >"$work/training.log" 2>&1 &
training=$!
until [ "$(grep -c '"event":"step"' "$work/runs/beside/events.ndjson" 2>/dev/null)" -ge 50 ] 2>/dev/null; do
  kill -0 "$training" || { cat "$work/training.log" >&2; exit 1; }
  sleep 0.5
done
python3 beside.py "$server" "$url" "$training" "$work/runs/beside" "$windows"
