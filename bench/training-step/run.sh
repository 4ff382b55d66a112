#!/usr/bin/env bash
# Measures the demo network's training step beside the same step in Python's torch: run.sh [--turns N] [--steps N] [--model NAME] ...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build=$(dotnet build -c Release -v quiet -nologo) || { echo "$build" >&2; exit 1; }
exec dotnet bin/Release/net10.0/RobustTrain.Bench.TrainingStep.dll drive "$@"
