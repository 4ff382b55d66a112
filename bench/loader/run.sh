#!/usr/bin/env bash
# Measures the loader beside PyTorch's DataLoader and Pillow: run.sh [--images N] [--turns N] [--workers 0 1 2 4] ...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

dotnet build ../../src/RobustTrain.Host -c Release -v quiet -nologo -clp:NoSummary >&2
exec /usr/bin/python3 compare.py ../../src/RobustTrain.Host/bin/Release/net10.0/robusttrain "$@"
