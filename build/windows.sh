# The Windows bench of ./build.sh test-windows, which sources this file: RobustTrain and its tests for win-x64, .NET and PowerShell for Windows,
# all in artifacts/windows, and Wine to run them.

WINDOWS=artifacts/windows
WINE_LEAST=10

# Where Wine is not installed: a Debian with Wine, made here by debootstrap; WINE_ROOT names another folder for it.
WINE_ROOT=${WINE_ROOT:-$PWD/artifacts/wine}

has_wine() { command -v wine >/dev/null && [ "$(wine --version | sed -nE 's/^wine-([0-9]+).*/\1/p')" -ge $WINE_LEAST ]; }

# In the Debian it is a link to a path that only the Debian has.
has_wine_root() { [ -e "$WINE_ROOT/usr/bin/wine" ] || [ -L "$WINE_ROOT/usr/bin/wine" ]; }

# Runs a command where Wine is, in this folder. Without AVX in .NET's own code: with it values that threads hold in its registers were zero now and then on
# a loaded machine, which Wine seems to lose where .NET interrupts a thread.
in_wine() {
  local settings=(WINEPREFIX="$PWD/$WINDOWS/prefix" WINEDEBUG=-all DOTNET_ROOT="$(windows_path "$WINDOWS/dotnet")" DOTNET_NOLOGO=1 DOTNET_EnableAVX=0
    PSModulePath="$(windows_path "$WINDOWS/modules")" ROBUSTTRAIN_TEST_MODULE="$(windows_path "$WINDOWS/RobustTrain/RobustTrain.psd1")"
    NUGET_PACKAGES="Z:${PACKAGES//\//\\}" ROBUSTTRAIN_TEST_FAKE="$(windows_path "$WINDOWS/tests/windows-tests.exe")"
    POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off)
  if has_wine; then env "${settings[@]}" "$@"; else in_root env "${settings[@]}" "$@"; fi
}

# Runs a command in the Debian of WINE_ROOT, in this folder, with NuGet's packages. The mounts stand in a namespace of their own and are gone with the
# command. /sys is not among them: what Wine tells of processors from it has libtorch's OpenMP ask for calls that Wine 10 has not.
in_root() {
  unshare --mount bash -euc '
    root=$1 folder=$2 packages=$3
    shift 3
    mount --make-rprivate /
    mkdir -p "$root$folder" "$root$packages"
    mount --bind /proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount --bind "$folder" "$root$folder"
    mount --bind "$packages" "$root$packages"
    exec chroot "$root" sh -c "cd \"\$0\" && exec \"\$@\"" "$folder" "$@"' bash "$WINE_ROOT" "$PWD" "$PACKAGES" "$@"
}

# A path of this folder as Windows' programs know it.
windows_path() { printf 'Z:%s' "$PWD/$1" | tr / '\\'; }

# Wine, and a prefix in which no user's settings are. Neither Wine's own .NET nor its browser is wanted in it: looking for them takes half of its time.
setup_wine() {
  if ! has_wine && ! has_wine_root; then
    [ "$(id -u)" -eq 0 ] && command -v debootstrap >/dev/null \
      || fail "Wine $WINE_LEAST or newer is not installed; on Debian 13 install it by: apt-get install wine; elsewhere debootstrap, run by root, makes a Debian 13 with Wine here (apt-get install debootstrap)."
    say "setup: Debian 13 with Wine in $WINE_ROOT (1.2 GB)"
    debootstrap --variant=minbase --include=wine trixie "$WINE_ROOT" >"$WINE_ROOT.log" 2>&1 || fail "debootstrap could not make it; see $WINE_ROOT.log."
  fi
  [ -f "$WINDOWS/prefix/system.reg" ] || in_wine env WINEDLLOVERRIDES='mscoree,mshtml=' wineboot -i >/dev/null 2>&1 || fail "Wine could not make its prefix: wineboot -i failed."
  echo "$(in_wine wine --version) $(has_wine || echo "in $WINE_ROOT")"
}

# PowerShell for Windows, of the tool's package, and Pester.
setup_windows_shell() {
  local version folder
  [ -x "$WINDOWS/pwsh/pwsh.exe" ] && [ -d "$WINDOWS/modules/Pester" ] && return
  dotnet tool restore >/dev/null || fail "PowerShell could not be restored; see the message above."
  version=$(sed -nE '/"powershell"/,/version/s/.*"version": *"([^"]+)".*/\1/p' .config/dotnet-tools.json)
  folder=$(echo "$(packages_folder)/powershell/$version"/tools/*/any/win)
  [ -f "$folder/pwsh.exe" ] || fail "The package PowerShell $version has no pwsh.exe under $folder."
  rm -rf "$WINDOWS/pwsh" "$WINDOWS/modules"
  cp -r "$folder" "$WINDOWS/pwsh"
  mkdir -p "$WINDOWS/modules"
  cp -r "$(pester_folder)" "$WINDOWS/modules/Pester"
}

# Without the analyzers, which the build for Linux runs over the same sources.
build_windows() {
  local options=(-c $CONFIGURATION -r win-x64 --no-self-contained -p:TorchRuntime=win-x64 -p:RunAnalyzers=false --artifacts-path $WINDOWS/build -v quiet -nologo)
  say "build: engine, module and tests for win-x64"
  dotnet publish src/RobustTrain.Host "${options[@]}" -o $WINDOWS/RobustTrain/host
  dotnet publish src/RobustTrain.Dashboard "${options[@]}" -o $WINDOWS/RobustTrain/host
  dotnet publish src/RobustTrain.Cmdlets "${options[@]}" -o $WINDOWS/RobustTrain/bin -p:ModulePath="$PWD/$WINDOWS/RobustTrain"
  dotnet publish tests/Unit "${options[@]}" -o $WINDOWS/tests
  dotnet publish tests/Windows "${options[@]}" -o $WINDOWS/tests
}

windows_tests() { in_wine wine $WINDOWS/tests/windows-tests.exe "$@"; }

# PowerShell for Windows with a console of its own, without which it ends at once and in silence.
windows_shell() { windows_tests start "$(windows_path $WINDOWS/pwsh/pwsh.exe)" -NoProfile -NonInteractive "$@"; }

# The files of Pester that run on Windows; the others need a shell of Unix, its signals, sshd, or stub libraries that are compiled for Linux.
pester_of() { sed 's:.*:tests/Pester/&.Tests.ps1:' "tests/Windows/$1"; }

# All of it, or the short half: what Windows does in another way than Linux, by the names in short.txt.
run_windows_tests() { # [short]
  local logs=$WINDOWS/logs name code wine p f s passed=0 failed=0 skipped=0 failures=() files began=$SECONDS
  local -A lanes
  case ${1:-all} in
    all | short) ;;
    *) fail "test-windows takes 'short' or nothing, not '$1'." ;;
  esac
  PACKAGES=$(packages_folder)
  mkdir -p "$WINDOWS"
  setup
  setup_wine &
  wine=$!
  # One server for all that follows; each would begin with services of its own otherwise.
  trap 'in_wine wineserver -k || true' EXIT
  setup_windows_shell
  build_windows
  wait $wine
  in_wine wineserver -p >/dev/null 2>&1
  windows_shell -File build/help.ps1 -ModulePath $WINDOWS/RobustTrain
  rm -rf "$logs"
  mkdir -p "$logs"
  echo "Built in $((SECONDS - began)) s."
  if [ "${1:-all}" = short ]; then
    say "test: the short half of xunit, and the module, under Wine"
    mapfile -t files <tests/Windows/short.txt
    windows_tests run $WINDOWS/tests/RobustTrain.Tests.Unit.dll tests/Windows/left-out.txt "${files[@]}" >"$logs/xunit.log" 2>&1 & lanes[xunit]=$!
    files=(tests/Pester/Module.Tests.ps1)
  else
    say "test: xunit in two processes and Pester, under Wine"
    windows_tests run $WINDOWS/tests/RobustTrain.Tests.Unit.dll tests/Windows/left-out.txt '!RobustTrain.Tests.Training.' >"$logs/xunit.log" 2>&1 & lanes[xunit]=$!
    windows_tests run $WINDOWS/tests/RobustTrain.Tests.Unit.dll tests/Windows/left-out.txt RobustTrain.Tests.Training. >"$logs/xunit-training.log" 2>&1 & lanes[xunit-training]=$!
    mapfile -t files < <(pester_of pester.txt)
  fi
  windows_shell -File tests/Pester/run.ps1 "${files[@]}" >"$logs/pester.log" 2>&1 & lanes[pester]=$!
  for name in xunit xunit-training pester; do
    [ -n "${lanes[$name]:-}" ] || continue
    code=0
    wait "${lanes[$name]}" || code=$?
    say "test: $name (after $((SECONDS - began)) s)"
    grep -v XDG_RUNTIME_DIR "$logs/$name.log" || true
    mapfile -t -O ${#failures[@]} failures < <(sed -n 's/^Failed test: //p' "$logs/$name.log")
    p=''
    read -r p f s <<<"$(counts_of "$logs/$name.log")" || true
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    if [ -z "$p" ] || { [ $code -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
      failures+=("$name ended with exit code $code; see $logs/$name.log")
      failed=$((failed + 1))
    fi
  done
  if [ ${#failures[@]} -gt 0 ]; then
    say "failed"
    printf '%s\n' "${failures[@]}"
  fi
  printf '\nwindows: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
}
