<#
.SYNOPSIS
Runs the module's tests in this pwsh against artifacts/RobustTrain, and ends with each failed test's name and one line:
N passed, N failed, N skipped.
.PARAMETER Path
Only these test files; all by default.
#>
param([Parameter(ValueFromRemainingArguments)] [string[]] $Path = (Join-Path $PSScriptRoot '*.Tests.ps1'))

$ErrorActionPreference = 'Stop'
$env:ROBUSTTRAIN_TEST_MODULE ??= Join-Path (Split-Path (Split-Path $PSScriptRoot)) 'artifacts/RobustTrain/RobustTrain.psd1'
if (-not (Test-Path -LiteralPath $env:ROBUSTTRAIN_TEST_MODULE)) {
    throw "The module is not built: there is no '$env:ROBUSTTRAIN_TEST_MODULE'; run ./build.sh build."
}

# On a machine that hides its caches (HiddenCaches.cs) each run says that oneDNN is limited, unless the operator has set the limit; the tests compare what runs say.
$processor = [Runtime.Intrinsics.X86.X86Base]
$leaves = @(4; if ($processor::IsSupported -and [uint] ('0x{0:X8}' -f $processor::CpuId(0x80000000, 0).Item1) -ge [uint] '0x8000001D') { 0x8000001D })
if ($processor::IsSupported -and -not $leaves.Where({ $processor::CpuId($_, 0).Item1 -band 0x1F })) { $env:ONEDNN_MAX_CPU_ISA ??= 'SSE41' }

Import-Module Pester -MinimumVersion 5.5
$result = Invoke-Pester -Configuration @{
    Run    = @{ Path = $Path; PassThru = $true }
    Output = @{ Verbosity = 'Normal'; CIFormat = 'None' }
}

if ($null -eq $result) { throw 'Pester ended without a result.' }

# The first line of the first error of a test or of what it stands in.
function Get-Sentence($Test) {
    for ($item = $Test; $item -and -not $item.ErrorRecord; $item = $item.Block ?? $item.Parent) { }
    "$($item.ErrorRecord[0].Exception.Message)".Split("`n")[0].Trim()
}

foreach ($test in $result.Failed) { "Failed test: $(Split-Path -Leaf $test.ScriptBlock.File): $($test.ExpandedPath): $(Get-Sentence $test)" }
foreach ($container in $result.FailedContainers) { "Failed test: $(Split-Path -Leaf $container.Item): $(Get-Sentence $container)" }

# A test file that does not load has run none of its tests, and that is a failure.
$failed = $result.FailedCount + $result.FailedContainersCount
"Failed: $failed, Passed: $($result.PassedCount), Skipped: $($result.SkippedCount)"
"$($result.PassedCount) passed, $failed failed, $($result.SkippedCount) skipped"
exit ($failed -gt 0)
