# The CPU time of a whole pwsh over a while: with a monitor of 8 GPUs and the CPU at 1 Hz, from Start-Monitor on, or -Bare, doing nothing.
param([int] $Seconds = 60, [switch] $Bare, [string] $Module = "$PSScriptRoot/../../artifacts/RobustTrain/RobustTrain.psd1")
Import-Module $Module
$null = Get-Date
$before = [Environment]::CpuUsage.TotalTime
if (-not $Bare) { $job = Start-Monitor }
Start-Sleep $Seconds
$used = ([Environment]::CpuUsage.TotalTime - $before).TotalMilliseconds
'| pwsh, {0}, {1} s | {2} | {3:0.000} % of one core ({4:0} ms) |' -f ($Bare ? 'doing nothing' : 'with that monitor, from Start-Monitor on'), $Seconds, ($Bare ? '(beside it)' : '< 0.1 % of one core'), ($used / $Seconds / 10), $used
