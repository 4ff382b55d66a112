#!/usr/bin/env bash
# Each network at its authors' size as ONNX, beside TorchSharp: bench/export/run.sh [NETWORK ...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 export.py "$(realpath "${ROBUSTTRAIN_HOST:-../../artifacts/RobustTrain/host/robusttrain}")" "$work" "$@"
