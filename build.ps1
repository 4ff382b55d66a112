<#
.SYNOPSIS
Builds RobustTrain on Windows and runs what it is for: the same targets as build.sh.
.DESCRIPTION
setup   checks the .NET SDK, and restores PowerShell
        and Pester where they are missing
build   setup, then the engine and the module, into artifacts/RobustTrain; takes dotnet's options, for example
        -p:TorchSharpPackage=TorchSharp-cpu in place of TorchSharp-cuda-windows
package build, then one package of the module for Linux and Windows, into artifacts/packages
test    build, then every test; ends with each failed test's name and one line: N passed, N failed, N skipped
demo    build, then make a sample dataset, train on it and evaluate
bench   build, then the benchmarks (Linux)
chaos   build, then a training among N faults beside one untouched: ./build.ps1 chaos 20

On Linux and macOS it hands over to build.sh. ./build.sh test-windows runs what this builds under Wine; this script itself has not been run on a Windows.
.EXAMPLE
./build.ps1 demo
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('setup', 'build', 'package', 'test', 'demo', 'bench', 'chaos')]
    [string] $Target = 'build',

    [Parameter(ValueFromRemainingArguments)]
    [string[]] $Rest = @()
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
Set-Location $PSScriptRoot

if (-not $IsWindows) {
    & ./build.sh $Target @Rest
    exit $LASTEXITCODE
}

$configuration = 'Release'
$module = Join-Path artifacts RobustTrain
$tools = Join-Path $PWD artifacts/tools

function Invoke-Native([scriptblock] $Command) {
    & $Command
    if ($LASTEXITCODE -ne 0) { throw "$Command ended with exit code $LASTEXITCODE." }
}

function Invoke-Setup {
    if (-not (Get-Command dotnet -ErrorAction Ignore)) {
        throw 'The .NET SDK 10 is not installed: https://dotnet.microsoft.com/download'
    }
    $sdk = dotnet --version 2>$null
    if ($LASTEXITCODE -ne 0) { throw "This needs the .NET SDK 10 (global.json); found: $((dotnet --list-sdks) -join ', ')" }
    ".NET SDK $sdk"
    Invoke-Shell
}

# An installed pwsh that can run the module, else the tool that .config/dotnet-tools.json pins.
function Invoke-Shell {
    $installed = Get-Command pwsh -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if ($installed -and [version] (& $installed -NoProfile -Command '"$($PSVersionTable.PSVersion)"').Split('-')[0] -ge '7.6') {
        return
    }
    Invoke-Native { dotnet tool restore }
    $version = (Get-Content .config/dotnet-tools.json -Raw | ConvertFrom-Json).tools.powershell.version
    $shell = Get-Item (Join-Path (Get-PackageFolder) "powershell/$version/tools/*/any/win/pwsh.dll")
    $null = New-Item $tools -ItemType Directory -Force
    Set-Content (Join-Path $tools pwsh.cmd) "@dotnet ""$shell"" %*"
    $env:PATH = "$tools;$env:PATH"
}

function Get-PackageFolder { (dotnet nuget locals global-packages --list) -replace '^global-packages: ' }

# The module Pester of the package that tests/Unit names.
function Get-PesterFolder {
    $version = (Select-Xml -Path tests/Unit/RobustTrain.Tests.Unit.csproj -XPath "//PackageDownload[@Include='Pester']/@Version").Node.Value.Trim('[', ']')
    $folder = Join-Path $tools modules
    $null = New-Item $folder -ItemType Directory -Force
    $target = Join-Path $folder Pester
    if (Test-Path $target) { Remove-Item $target -Recurse -Force }
    Copy-Item (Join-Path (Get-PackageFolder) "pester/$version/tools") $target -Recurse
    $folder
}

function Invoke-Build([string[]] $Options = @()) {
    Invoke-Setup
    Invoke-Native { dotnet build RobustTrain.sln -c $configuration -v quiet -nologo @Options }
    Invoke-Native { dotnet publish src/RobustTrain.Host -c $configuration --no-build -v quiet -nologo -o "$module/host" @Options }
    Invoke-Native { dotnet publish src/RobustTrain.Dashboard -c $configuration --no-build -v quiet -nologo -o "$module/host" }
    Invoke-Native { dotnet publish src/RobustTrain.Cmdlets -c $configuration --no-build -v quiet -nologo -o "$module/bin" @Options }
    Invoke-Native { pwsh -NoProfile -NonInteractive -File build/help.ps1 -ModulePath $module }
    "The module is $module."
}

function Get-Count([string[]] $Log) {
    $last = $Log | Select-String 'Failed: *(\d+), Passed: *(\d+), Skipped: *(\d+)' | Select-Object -Last 1
    if (-not $last) { throw 'The tests printed no summary.' }
    [int[]] $last.Matches[0].Groups[2, 1, 3].Value
}

# The tests of a .trx file that failed, each with the first line of its message.
function Get-FailedTest([string] $Path) {
    if (-not (Test-Path $Path)) { return }
    foreach ($test in Select-Xml -Path $Path -XPath "//t:UnitTestResult[@outcome='Failed']" -Namespace @{ t = 'http://microsoft.com/schemas/VisualStudio/TeamTest/2010' }) {
        "$($test.Node.testName): $("$($test.Node.Output.ErrorInfo.Message)".Split("`n")[0])"
    }
}

# Four processes side by side.
function Invoke-Test {
    Invoke-Build
    # What plays the executable for Pester.
    Invoke-Native { dotnet build tests/Windows -c $configuration -v quiet -nologo }
    $env:PSModulePath = "$(Get-PesterFolder)$([IO.Path]::PathSeparator)$env:PSModulePath"
    $logs = Join-Path $PWD artifacts/logs
    if (Test-Path $logs) { Remove-Item $logs -Recurse }
    $unit = 'dotnet', 'test', "tests/Unit/bin/$configuration/net10.0/RobustTrain.Tests.Unit.dll"
    $pester = 'pwsh', '-NoProfile', '-File', 'tests/Pester/run.ps1'
    $commands = [ordered]@{
        xunit             = $unit + @('--filter', 'FullyQualifiedName!~RobustTrain.Tests.Training.', '--logger', "trx;LogFileName=$logs/xunit.trx")
        'xunit-training'  = $unit + @('--filter', 'FullyQualifiedName~RobustTrain.Tests.Training.', '--logger', "trx;LogFileName=$logs/xunit-training.trx")
        dashboard         = 'dotnet', 'test', "tests/Dashboard/bin/$configuration/net10.0/RobustTrain.Tests.Dashboard.dll", '--logger', "trx;LogFileName=$logs/dashboard.trx"
        pester            = $pester + (Get-Content tests/Windows/pester.txt).ForEach({ "tests/Pester/$_.Tests.ps1" })
    }
    $jobs = foreach ($name in $commands.Keys) {
        Start-ThreadJob -Name $name -ArgumentList $PWD, $commands[$name] {
            param($Folder, [string[]] $Command)
            Set-Location $Folder
            & $Command[0] $Command[1..$Command.Count] 2>&1 | ForEach-Object { "$_" }
        }
    }
    $passed = $failed = $skipped = 0
    $failures = foreach ($job in $jobs) {
        $log = Receive-Job $job -Wait
        Write-Host "== test: $($job.Name)"
        $log | Write-Host
        $count = Get-Count $log
        $passed += $count[0]
        $failed += $count[1]
        $skipped += $count[2]
        Get-FailedTest "$logs/$($job.Name).trx"
        ($log | Select-String '^Failed test: (.*)').ForEach({ $_.Matches[0].Groups[1].Value })
    }
    $failures
    "$passed passed, $failed failed, $skipped skipped"
    if ($failed) { exit 1 }
}

switch ($Target) {
    setup { Invoke-Setup }
    build { Invoke-Build $Rest }
    package {
        Invoke-Build
        if (Test-Path artifacts/packages) { Remove-Item artifacts/packages -Recurse }
        Invoke-Native { pwsh -NoProfile -NonInteractive -File build/package.ps1 -ModulePath $module -OutputPath artifacts/packages }
    }
    test { Invoke-Test }
    demo { Invoke-Build; Invoke-Native { pwsh -NoProfile -File scripts/demo.ps1 } }
    bench { throw 'The benchmarks stand beside PyTorch of Debian: ./build.sh bench' }
    chaos {
        Invoke-Build
        & "tests/Chaos/bin/$configuration/net10.0/chaos.exe" @Rest
        exit $LASTEXITCODE
    }
}
