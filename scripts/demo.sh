#!/usr/bin/env bash
# The main job through the executable: sample data, training, test. Usage: scripts/demo.sh PATH-TO-ROBUSTTRAIN
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
robusttrain=$1
run=runs/demo-$(date +%Y%m%d-%H%M%S)

[ -e data/demo ] || "$robusttrain" sample-data data/demo
"$robusttrain" train samples/demo.yaml --run-path "$run"
"$robusttrain" evaluate "$run" --split test --baseline
echo "The run folder is $run."
