#!/usr/bin/env bash
# Measures whole epochs of the demo's network, loading included, beside TorchSharp's own DataLoader and torchvision: run.sh [--turns N] [--samples N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build=$(dotnet build -c Release -v quiet -nologo) || { echo "$build" >&2; exit 1; }
host=../../artifacts/RobustTrain/host/robusttrain
[ -x "$host" ] || { echo "run.sh: there is no $host; ./build.sh build makes it." >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$host" sample-data "$work/scenes" >/dev/null
dotnet bin/Release/net10.0/linux-x64/RobustTrain.Bench.Epoch.dll drive "$work" "$@"
