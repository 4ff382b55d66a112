#!/usr/bin/env bash
# Builds RobustTrain and runs what it is for: ./build.sh [setup | build | package | test | test-cluster | test-windows | demo | bench | chaos] (help: ./build.sh help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

CONFIGURATION=Release
MODULE=artifacts/RobustTrain
HOST=$MODULE/host/robusttrain

TOOLS=$PWD/artifacts/tools

# Debian's packages: to decode images, to test, and to have peers to measure beside.
RUN_PACKAGES=(libturbojpeg0)
TEST_PACKAGES=(gcc libc6-dev mpich openssh-client openssh-server procps)
CLUSTER_PACKAGES=(iproute2 munge slurm-wlm)
# Without OpenBLAS python3-torch multiplies matrices by the reference BLAS, and would be no peer.
BENCH_PACKAGES=(python3-torch python3-pil python3-numpy libopenblas0-pthread)

# What NuGet's packages take on a fresh machine, nearly all of it libtorch, and what a build takes, in MiB.
PACKAGES_MIB=1900
BUILD_MIB=600

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }

usage() {
  cat <<'END'
./build.sh setup    install what is missing: Debian packages (where that is not allowed they are named), PowerShell, Pester
./build.sh build    setup, then the engine and the module, into artifacts/RobustTrain
./build.sh package  build, then one package of the module for Linux and Windows, into artifacts/packages: Install-PSResource installs it
./build.sh test     build, then the tests; ends with each failed test's name and one line: N passed, N failed, N skipped
./build.sh test-cluster  build, then the tests over several hosts that they make themselves: namespaces with sshd, and Slurm
./build.sh test-windows  the engine, the module and the tests for Windows, run under Wine 10 or newer (WINE_ROOT=FOLDER: a Debian that has it);
                    ends with one line: windows: N passed, N failed, N skipped ('test-windows short': what differs most from Linux)
./build.sh demo     build, then make a sample dataset, train on it, evaluate; leaves data/demo and runs/demo
./build.sh bench    build, then the benchmarks side by side with PyTorch (bench/README.md; ./build.sh bench NAME for one)
./build.sh chaos N  build, then a training among N faults beside one untouched: kills, full disks, damaged checkpoints; exit code 0
                    only where nothing differs (--seed S, --config FILE, --task NAME, --model NAME; ./build.sh chaos --help);
                    --ranks 3 on hosts of its own; chaos bits compares 1, 2 and 4 ranks;
                    chaos recovery: from the kill of a rank to the next step, by parts

./build.sh build -p:TorchSharpPackage=TorchSharp-cuda-linux    for NVIDIA GPUs: TorchSharp's package with CUDA in place of TorchSharp-cpu
END
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; }

# Installs those of the named packages that are missing, where this user may; otherwise says which they are.
install_packages() {
  local missing=() package run=()
  command -v dpkg-query >/dev/null || { echo "Not a Debian system: install the equivalents of: $*"; return 0; }
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} -eq 0 ]; then echo "Debian packages: none is missing."; return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "These Debian packages are missing and this user may not install them; run: sudo apt-get install ${missing[*]}"
    run=(sudo -n)
  fi
  echo "Installing Debian packages: ${missing[*]}"
  "${run[@]}" apt-get update -qq || fail "apt-get update failed; see its message above."
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get could not install: ${missing[*]}"
}

# The module Pester of the package that tests/Unit names.
pester_folder() { echo "$(packages_folder)/pester/$(sed -nE 's/.*"Pester" Version="\[([^]]+)\]".*/\1/p' tests/Unit/RobustTrain.Tests.Unit.csproj)/tools"; }

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
  # Side by side: each is mostly one thread of the compiler to machine code.
  dotnet publish src/RobustTrain.Host -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/host "$@" &
  local host=$!
  dotnet publish src/RobustTrain.Cmdlets -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/bin "$@"
  wait $host
  # Behind the others: the two programs share files in one folder.
  dotnet publish src/RobustTrain.Dashboard -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/host
  pwsh -NoProfile -NonInteractive -File build/help.ps1 -ModulePath $MODULE
  echo "The module is $MODULE, its executable $HOST."
}

package() {
  setup
  build
  say "package"
  rm -rf artifacts/packages
  pwsh -NoProfile -NonInteractive -File build/package.ps1 -ModulePath $MODULE -OutputPath artifacts/packages -Configuration $CONFIGURATION
  ls -sh artifacts/packages/*.nupkg
}

LOGS=artifacts/logs

# Prints "passed failed skipped" of the summary line of dotnet test or of tests/Pester/run.ps1 in a log.
counts_of() { sed -nE 's/.*Failed: *([0-9]+), Passed: *([0-9]+), Skipped: *([0-9]+).*/\2 \1 \3/p' "$1" | tail -n 1; }

# Prints the tests of a kind (NotExecuted or Failed) in a .trx file as lines "NAME: the first line of its message".
tests_of() {
  [ ! -f "$2" ] || awk -v kind="outcome=\"$1\"" '
    function text(line) {
      gsub(/&lt;/, "<", line); gsub(/&gt;/, ">", line); gsub(/&quot;/, "\"", line); gsub(/&#x[A-F0-9]+;/, " ", line); gsub(/&amp;/, "\\&", line)
      return line
    }
    /<UnitTestResult / { name = ""; if (index($0, kind)) { name = $0; sub(/.* testName="/, "", name); sub(/".*/, "", name) } }
    /<Message>/ && name { line = $0; sub(/.*<Message>/, "", line); sub(/<\/Message>.*/, "", line); print text(name) ": " text(line); name = "" }' "$2"
}

# Tests of one kind to their end: what they print to a log, their exit code beside it. A shell's background processes have Ctrl+C ignored, which the
# tests would hand on. Shells that start side by side damage the profile of methods that they share (dotnet/runtime#121977), and one that reads it may
# not get up; on fewer processors than the variable says there is none.
logged() { # NAME COMMAND...
  local code=0
  env --default-signal=INT,QUIT DOTNET_MultiCoreJitMinNumCpus=FFFF "${@:2}" >"$LOGS/$1.log" 2>&1 || code=$?
  echo $code >"$LOGS/$1.code"
}

xunit() { # NAME PROJECT FILTER
  logged "$1" ROBUSTTRAIN_TEST_HOST="$PWD/$MODULE/host/robusttrain" \
    dotnet test "tests/$2/bin/$CONFIGURATION/net10.0/RobustTrain.Tests.$2.dll" --filter "$3" --logger "trx;LogFileName=$PWD/$LOGS/$1.trx"
}

pester() { # NAME FILES...
  logged "$1" PSModulePath="$TOOLS/modules${PSModulePath:+:$PSModulePath}" pwsh -NoProfile -File tests/Pester/run.ps1 "${@:2}"
}

# What drives the page in a browser, where Node is there; the test says what is missing elsewhere.
setup_browser() {
  local folder=tests/Dashboard/browser
  command -v npm >/dev/null && [ -x /usr/bin/chromium ] && [ ! -d $folder/node_modules/playwright-core ] || return 0
  (cd $folder && npm ci --ignore-scripts --no-audit --no-fund --silent) || echo "playwright-core could not be fetched; the page's test in a browser is skipped."
}

# The tests run in four lanes side by side, since many of them wait for processes of their own; their logs are shown one after the other.
# Those of the namespace Training share torch's one generator and count no threads; the files of Pester are halved by measured time.
run_tests() {
  setup "${TEST_PACKAGES[@]}"
  build
  setup_browser
  begin_logs
  say "test: xunit and Pester in four lanes"
  xunit xunit Unit 'FullyQualifiedName!~RobustTrain.Tests.Training.&Kind!=Cluster' &
  (
    xunit xunit-training Unit 'FullyQualifiedName~RobustTrain.Tests.Training.'
    xunit dashboard Dashboard 'FullyQualifiedName~RobustTrain'
  ) &
  pester pester tests/Pester/[A-LS-Z]*.Tests.ps1 &
  pester pester-monitors tests/Pester/[M-R]*.Tests.ps1 &
  wait
  tell_tests xunit xunit-training dashboard pester pester-monitors
}

# The tests over several hosts take minutes each, mostly to wait for what is stopped, lost or started again.
run_cluster_tests() {
  setup "${TEST_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}"
  build
  begin_logs
  say "test: over several hosts"
  xunit cluster Unit 'Kind=Cluster'
  tell_tests cluster
}

begin_logs() {
  rm -rf "$LOGS"
  mkdir -p "$LOGS"
  ln -sfn "$(pester_folder)" "$TOOLS/modules/Pester"
}

# The logs one after the other, each failed test, and one line.
tell_tests() { # NAMES...
  local name passed=0 failed=0 skipped=0 code p f s failures=() before
  for name in "$@"; do
    code=$(cat "$LOGS/$name.code")
    say "test: $name"
    cat "$LOGS/$name.log"
    # The console names a test that is skipped, and keeps the reason to itself.
    tests_of NotExecuted "$LOGS/$name.trx" | sed 's/^/Skipped /'
    before=${#failures[@]}
    mapfile -t -O "$before" failures < <(tests_of Failed "$LOGS/$name.trx"; sed -n 's/^Failed test: //p' "$LOGS/$name.log")
    read -r p f s <<<"$(counts_of "$LOGS/$name.log")" || true
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    if [ $code -ne 0 ] && [ ${#failures[@]} -eq "$before" ] || [ -z "$p" ]; then
      failures+=("$name ended with exit code $code; see $LOGS/$name.log")
      failed=$((failed + 1))
    fi
  done
  if [ ${#failures[@]} -gt 0 ]; then
    say "failed"
    printf '%s\n' "${failures[@]}"
  fi
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
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
  package) package ;;
  test) run_tests ;;
  test-cluster) run_cluster_tests ;;
  test-windows) . build/windows.sh; run_windows_tests "$@" ;;
  demo) demo ;;
  bench) bench "$@" ;;
  chaos) chaos "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; fail "There is no target '$target'." ;;
esac
