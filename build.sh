#!/usr/bin/env bash
# Builds RobustTrain and runs what it is for: ./build.sh [setup | build | test | demo | bench | chaos] (help: ./build.sh help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

CONFIGURATION=Release
MODULE=artifacts/RobustTrain
HOST=$MODULE/host/robusttrain

# Debian's packages: to build and train, to test, and to have peers to measure beside.
BUILD_PACKAGES=(g++ cmake make libturbojpeg0 libspng0 libdeflate0 libopenblas0-openmp)
LIBTORCH_PACKAGES=(libtorch-dev libgloo-dev)
TEST_PACKAGES=(gcc openssh-client openssh-server procps)
BENCH_PACKAGES=(python3-torch python3-pil python3-numpy)

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }
has_pwsh() { command -v pwsh >/dev/null; }
has_pester() { has_pwsh && [ "$(pwsh -NoProfile -Command '[bool](Get-Module Pester -ListAvailable | Where-Object Version -ge 5.5)')" = True ]; }

usage() {
  cat <<'END'
./build.sh setup    install what is missing (Debian packages where that is allowed; else they are named)
./build.sh build    setup, then the native library, the engine and the module, into artifacts/RobustTrain
./build.sh test     build, then every test; ends with one line: N passed, N failed, N skipped
./build.sh demo     build, then make a sample data set, train on it, evaluate; leaves data/demo and runs/demo
./build.sh bench    build, then the benchmarks side by side with PyTorch (bench/README.md; ./build.sh bench NAME for one)
./build.sh chaos N  build, then a training among N faults beside one untouched: kills, full disks, damaged checkpoints; exit code 0
                    only where nothing differs (--seed S, --config FILE, --model hanet; ./build.sh chaos --help)

LIBTORCH=FOLDER     build against that libtorch (a PyTorch installation's torch folder) instead of Debian's
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

setup() {
  say "setup"
  command -v dotnet >/dev/null || fail "The .NET SDK 10 is not installed: https://learn.microsoft.com/dotnet/core/install/linux"
  dotnet --version >/dev/null 2>&1 || fail "This needs the .NET SDK 10 (global.json); found: $(dotnet --list-sdks | tr '\n' ' ')"
  echo ".NET SDK $(dotnet --version)"
  local packages=("${BUILD_PACKAGES[@]}")
  if [ -n "${LIBTORCH:-}" ]; then
    [ -d "$LIBTORCH/lib" ] || fail "LIBTORCH=$LIBTORCH has no folder lib; it should be a PyTorch installation's torch folder or an unpacked libtorch."
    echo "libtorch: $LIBTORCH"
  else
    packages+=("${LIBTORCH_PACKAGES[@]}")
  fi
  install_packages "${packages[@]}" "$@"
}

build() {
  setup "$@"
  say "build: native library"
  cmake -S native -B native/build -DCMAKE_BUILD_TYPE=Release ${LIBTORCH:+-DLIBTORCH="$LIBTORCH"} >/dev/null
  cmake --build native/build --parallel "$(nproc)"
  say "build: engine and module"
  dotnet build RobustTrain.sln -c $CONFIGURATION -v quiet -nologo
  dotnet publish src/RobustTrain.Host -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/host
  dotnet publish src/RobustTrain.Cmdlets -c $CONFIGURATION --no-build -v quiet -nologo -o $MODULE/bin
  cp native/build/librobusttrain_torch.so $MODULE/host/
  echo "The module is $MODULE, its executable $HOST."
}

# Prints "passed failed skipped" of the summary line of dotnet test or of tests/Pester/run.ps1 in a log.
counts_of() { sed -nE 's/.*Failed: *([0-9]+), Passed: *([0-9]+), Skipped: *([0-9]+).*/\2 \1 \3/p' "$1" | tail -n 1; }

run_tests() {
  build "${TEST_PACKAGES[@]}"
  local log passed=0 failed=0 skipped=0 status=0 p f s
  mkdir -p artifacts/logs
  say "test: xunit"
  log=artifacts/logs/xunit.log
  dotnet test tests/Unit -c $CONFIGURATION --no-build -nologo 2>&1 | tee "$log" || status=1
  read -r p f s <<<"$(counts_of "$log")" || true
  [ -n "${p:-}" ] || fail "xunit printed no summary; see $log."
  passed=$p failed=$f skipped=$s
  say "test: Pester"
  log=artifacts/logs/pester.log
  if has_pester; then
    pwsh -NoProfile -File tests/Pester/run.ps1 2>&1 | tee "$log" || status=1
    read -r p f s <<<"$(counts_of "$log")" || true
    [ -n "${p:-}" ] || fail "Pester printed no summary; see $log."
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  else
    s=$(grep -cE "^[[:space:]]*It ['\"]" tests/Pester/*.Tests.ps1 | awk -F: '{n += $2} END {print n + 0}')
    echo "PowerShell 7.6 with Pester 5.5 or newer is not on this machine: $s Pester tests are skipped."
    skipped=$((skipped + s))
  fi
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]
}

demo() {
  build
  say "demo"
  if has_pwsh; then
    pwsh -NoProfile -File scripts/demo.ps1
  else
    echo "PowerShell is not on this machine: the demo runs through $HOST."
    scripts/demo.sh "$HOST"
  fi
}

bench() {
  build "${BENCH_PACKAGES[@]}"
  bench/run.sh "$@"
}

chaos() {
  build
  say "chaos"
  tests/Chaos/bin/$CONFIGURATION/net10.0/chaos "$@"
}

target=${1:-help}
[ $# -eq 0 ] || shift
case $target in
  setup) setup "$@" ;;
  build) build ;;
  test) run_tests ;;
  demo) demo ;;
  bench) bench "$@" ;;
  chaos) chaos "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; fail "There is no target '$target'." ;;
esac
