#!/usr/bin/env bash
# Builds RobustTrain and runs what it is for: ./build.sh [setup | build | test | demo | bench | chaos] (help: ./build.sh help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

CONFIGURATION=Release
MODULE=artifacts/RobustTrain
HOST=$MODULE/host/robusttrain

TOOLS=$PWD/artifacts/tools

# Debian's packages: to decode images, to test, and to have peers to measure beside.
RUN_PACKAGES=(libturbojpeg0 libspng0 libdeflate0)
TEST_PACKAGES=(gcc libc6-dev openssh-client openssh-server procps)
BENCH_PACKAGES=(python3-torch python3-pil python3-numpy)

# What NuGet's packages take on a fresh machine, nearly all of it libtorch, and what a build takes, in MiB.
PACKAGES_MIB=1500
BUILD_MIB=600

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }

usage() {
  cat <<'END'
./build.sh setup    install what is missing: Debian packages (where that is not allowed they are named), PowerShell, Pester
./build.sh build    setup, then the engine and the module, into artifacts/RobustTrain
./build.sh test     build, then every test; ends with one line: N passed, N failed, N skipped
./build.sh demo     build, then make a sample data set, train on it, evaluate; leaves data/demo and runs/demo
./build.sh bench    build, then the benchmarks side by side with PyTorch (bench/README.md; ./build.sh bench NAME for one)
./build.sh chaos N  build, then a training among N faults beside one untouched: kills, full disks, damaged checkpoints; exit code 0
                    only where nothing differs (--seed S, --config FILE, --model hanet; ./build.sh chaos --help)

./build.sh build -p:TorchSharpPackage=TorchSharp-cuda-linux    for NVIDIA GPUs: TorchSharp's package with CUDA in place of TorchSharp-cpu
END
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; }

# Installs those of the named packages that are missing, where this user may; otherwise says which they are.
install_packages() {
  local missing=() package run=()
  command -v dpkg-query >/dev/null || { echo "Not a Debian system: install the equivalents of: $*"; return 0; }
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} -eq 0 ]; then echo "Debian packages: all ${#} are installed."; return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "These Debian packages are missing and this user may not install them; run: sudo apt-get install ${missing[*]}"
    run=(sudo -n)
  fi
  echo "Installing Debian packages: ${missing[*]}"
  "${run[@]}" apt-get update -qq || fail "apt-get update failed; see its message above."
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get could not install: ${missing[*]}"
}

packages_folder() { dotnet nuget locals global-packages --list | sed 's/^global-packages: //; s:/$::'; }

# Says before anything is fetched how much room is needed and missing.
check_disk() {
  local packages needed=$BUILD_MIB folder
  packages=$(packages_folder)
  [ -d "$packages/libtorch-cpu-linux-x64" ] || needed=$((needed + PACKAGES_MIB))
  for folder in "$packages" "$PWD"; do
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    local free
    free=$(df --output=avail -BM "$folder" | tail -n 1 | tr -dc 0-9)
    [ "$free" -ge "$needed" ] || fail "$folder has $free MiB free, but the packages and the build need $needed MiB; NUGET_PACKAGES=FOLDER keeps the packages elsewhere."
  done
}

# PowerShell and Pester: an installed pwsh that can run the module, else the tool that .config/dotnet-tools.json pins.
setup_shell() {
  local version packages
  mkdir -p "$TOOLS/modules"
  rm -f "$TOOLS/pwsh"
  if ! command -v pwsh >/dev/null || [ "$(pwsh -NoProfile -Command '$PSVersionTable.PSVersion -ge [version] "7.6"')" != True ]; then
    dotnet tool restore >/dev/null || fail "PowerShell could not be restored; see the message above."
    version=$(sed -nE '/"powershell"/,/version/s/.*"version": *"([^"]+)".*/\1/p' .config/dotnet-tools.json)
    packages=$(packages_folder)
    local shell
    shell=$(echo "$packages/powershell/$version"/tools/*/any/unix/pwsh.dll)
    [ -f "$shell" ] || fail "The package PowerShell $version has no pwsh.dll under $packages/powershell/$version."
    printf '#!/bin/sh\nexec dotnet "%s" "$@"\n' "$shell" >"$TOOLS/pwsh"
    chmod +x "$TOOLS/pwsh"
    export PATH=$TOOLS:$PATH
  fi
  echo "PowerShell $(pwsh -NoProfile -Command '"$($PSVersionTable.PSVersion)"') ($(command -v pwsh))"
}

setup() {
  say "setup"
  command -v dotnet >/dev/null || fail "The .NET SDK 10 is not installed: https://learn.microsoft.com/dotnet/core/install/linux"
  dotnet --version >/dev/null 2>&1 || fail "This needs the .NET SDK 10 (global.json); found: $(dotnet --list-sdks | tr '\n' ' ')"
  echo ".NET SDK $(dotnet --version)"
  check_disk
  install_packages "${RUN_PACKAGES[@]}" "$@"
  setup_shell
}

# $@: what is handed to dotnet.
build() {
  say "build: engine and module"
  dotnet build RobustTrain.sln -c $CONFIGURATION -v quiet -nologo "$@"
  dotnet publish src/RobustTrain.Host -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/host "$@"
  dotnet publish src/RobustTrain.Cmdlets -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/bin "$@"
  echo "The module is $MODULE, its executable $HOST."
}

# Prints "passed failed skipped" of the summary line of dotnet test or of tests/Pester/run.ps1 in a log.
counts_of() { sed -nE 's/.*Failed: *([0-9]+), Passed: *([0-9]+), Skipped: *([0-9]+).*/\2 \1 \3/p' "$1" | tail -n 1; }

run_tests() {
  setup "${TEST_PACKAGES[@]}"
  build
  local log passed=0 failed=0 skipped=0 status=0 p f s
  mkdir -p artifacts/logs
  say "test: xunit"
  log=artifacts/logs/xunit.log
  dotnet test tests/Unit -c $CONFIGURATION --no-build -nologo --logger "trx;LogFileName=$PWD/artifacts/logs/xunit.trx" 2>&1 | tee "$log" || status=1
  # The console names a test that is skipped, and keeps the reason to itself.
  sed -nE '/outcome="NotExecuted"/{s/.*testName="([^"]*)".*/\1/;h};/<Message>/{s:.*<Message>(.*)</Message>.*:\1:;x;/./{G;s/\n/: /;s/^/Skipped /;p};s/.*//;x}' artifacts/logs/xunit.trx
  read -r p f s <<<"$(counts_of "$log")" || true
  [ -n "${p:-}" ] || fail "xunit printed no summary; see $log."
  passed=$p failed=$f skipped=$s
  say "test: Pester"
  log=artifacts/logs/pester.log
  ln -sfn "$(packages_folder)/pester/$(sed -nE 's/.*"Pester" Version="\[([^]]+)\]".*/\1/p' tests/Unit/RobustTrain.Tests.Unit.csproj)/tools" "$TOOLS/modules/Pester"
  PSModulePath=$TOOLS/modules${PSModulePath:+:$PSModulePath} pwsh -NoProfile -File tests/Pester/run.ps1 2>&1 | tee "$log" || status=1
  read -r p f s <<<"$(counts_of "$log")" || true
  [ -n "${p:-}" ] || fail "Pester printed no summary; see $log."
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]
}

demo() {
  setup
  build
  say "demo"
  pwsh -NoProfile -File scripts/demo.ps1
}

bench() {
  setup "${BENCH_PACKAGES[@]}"
  build
  bench/run.sh "$@"
}

chaos() {
  setup
  build
  say "chaos"
  tests/Chaos/bin/$CONFIGURATION/net10.0/chaos "$@"
}

target=${1:-help}
[ $# -eq 0 ] || shift
case $target in
  setup) setup ;;
  build) setup; build "$@" ;;
  test) run_tests ;;
  demo) demo ;;
  bench) bench "$@" ;;
  chaos) chaos "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; fail "There is no target '$target'." ;;
esac
