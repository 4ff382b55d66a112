# Get-GpuStatus for 8 GPUs of the NVML stub: warm, and in a fresh runspace with the import of the module. ROBUSTTRAIN_NVML names the stub.
param([string] $Module = "$PSScriptRoot/../../artifacts/RobustTrain/RobustTrain.psd1", [int] $Count = 200)
function Show([string] $What, [string] $Target, [double[]] $Milliseconds) {
    $sorted = $Milliseconds | Sort-Object
    '| {0} | {1} | median {2:0.00} ms, 99 % {3:0.0} ms, maximum {4:0.0} ms ({5} times) |' -f $What, $Target, $sorted[[int][Math]::Floor($sorted.Count / 2)], $sorted[[int][Math]::Ceiling($sorted.Count * 0.99) - 1], $sorted[-1], $sorted.Count
}
Import-Module $Module
if ((Get-GpuStatus).Count -ne 8) { throw 'Eight GPUs were expected.' }
foreach ($i in 1..100) { $null = Get-GpuStatus }
Show 'Get-GpuStatus, 8 GPUs, warm' '< 5 ms' @(foreach ($i in 1..$Count) {
    $begin = [Diagnostics.Stopwatch]::GetTimestamp(); $null = Get-GpuStatus; [Diagnostics.Stopwatch]::GetElapsedTime($begin).TotalMilliseconds })
Show 'Import-Module and Get-GpuStatus in a fresh runspace of a warm process' '< 150 ms' @(foreach ($i in 1..20) {
    $runspace = [runspacefactory]::CreateRunspace(); $runspace.Open()
    $shell = [powershell]::Create($runspace)
    $begin = [Diagnostics.Stopwatch]::GetTimestamp()
    $null = $shell.AddScript("Import-Module '$Module'; Get-GpuStatus").Invoke()
    [Diagnostics.Stopwatch]::GetElapsedTime($begin).TotalMilliseconds
    $shell.Dispose(); $runspace.Dispose() })
$fresh = @(foreach ($i in 1..10) {
    [double] (pwsh -NoProfile -Command "`$begin = [Diagnostics.Stopwatch]::GetTimestamp(); Import-Module '$Module'; `$null = Get-GpuStatus; [Diagnostics.Stopwatch]::GetElapsedTime(`$begin).TotalMilliseconds") })
Show 'Import-Module and Get-GpuStatus in a fresh process, its start apart' '(beside it)' $fresh
