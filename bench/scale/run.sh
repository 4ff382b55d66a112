#!/usr/bin/env bash
# What 8, 64 and 1,024 ranks cost and lose, simulated: run.sh [--ranks 8,64,1024] [--step-seconds S] [--host-days D] ... (Scale.cs names all)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec dotnet run Scale.cs -- "$@"
