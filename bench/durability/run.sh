#!/usr/bin/env bash
# Measures what durability costs: run.sh [cost-demo | cost-100mb | cost-100mb-sgd | resume | memory-thread | memory-process]...; all of them without a name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build=$(dotnet build -c Release -v quiet -nologo) || { echo "$build" >&2; exit 1; }
host=../../artifacts/RobustTrain/host/robusttrain
[ -x "$host" ] || { echo "run.sh: there is no $host; ./build.sh build makes it." >&2; exit 2; }
[ $# -gt 0 ] || set -- cost-demo cost-100mb cost-100mb-sgd resume memory-thread memory-process
for part in "$@"; do dotnet bin/Release/net10.0/durability.dll "$part" "$(realpath "$host")"; done
