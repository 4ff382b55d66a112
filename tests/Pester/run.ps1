<#
.SYNOPSIS
Runs the module's tests in this pwsh against artifacts/RobustTrain, and ends with one line: N passed, N failed, N skipped.
.PARAMETER Path
Only these test files; all by default.
#>
param([string[]] $Path = (Join-Path $PSScriptRoot '*.Tests.ps1'))

$ErrorActionPreference = 'Stop'
$env:ROBUSTTRAIN_TEST_MODULE ??= Join-Path (Split-Path (Split-Path $PSScriptRoot)) 'artifacts/RobustTrain/RobustTrain.psd1'
if (-not (Test-Path -LiteralPath $env:ROBUSTTRAIN_TEST_MODULE)) {
    throw "The module is not built: there is no '$env:ROBUSTTRAIN_TEST_MODULE'; run ./build.sh build."
}

Import-Module Pester -MinimumVersion 5.5
$result = Invoke-Pester -Configuration @{
    Run    = @{ Path = $Path; PassThru = $true }
    Output = @{ Verbosity = 'Normal'; CIFormat = 'None' }
}

if ($null -eq $result) { throw 'Pester ended without a result.' }

# A test file that does not load has run none of its tests, and that is a failure.
$failed = $result.FailedCount + $result.FailedContainersCount
"Failed: $failed, Passed: $($result.PassedCount), Skipped: $($result.SkippedCount)"
"$($result.PassedCount) passed, $failed failed, $($result.SkippedCount) skipped"
exit ($failed -gt 0)
