#!/usr/bin/env bash
# Runs all benchmarks, or those named: bench/run.sh [training-step ...]. Each is a folder with a run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for script in */run.sh; do names+=("${script%/run.sh}"); done
fi
for name in "${names[@]}"; do
  if [ ! -x "$name/run.sh" ]; then
    echo "bench/run.sh: there is no benchmark '$name'; there are: $(ls -d */ | tr -d '/' | tr '\n' ' ')" >&2
    exit 2
  fi
done
for name in "${names[@]}"; do
  printf '\n== bench: %s\n' "$name"
  "$name/run.sh"
done
