#!/usr/bin/env bash
# Measures the loader beside PyTorch's DataLoader and Pillow: run.sh [--images N] [--turns N] [--workers 0 1 2 4] [--only throughput|super-resolution|rest] ...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As the module has it: compiled ahead of time.
dotnet publish ../../src/RobustTrain.Host -c Release -v quiet -nologo -o "$work/host" >&2
dotnet publish . -c Release -v quiet -nologo -o "$work/bench" >&2
/usr/bin/python3 compare.py "$work/host/robusttrain" "$work/bench/RobustTrain.Bench.Loader" "$@"
