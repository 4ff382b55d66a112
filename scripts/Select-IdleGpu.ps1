<#
.SYNOPSIS
Writes the GPUs that nobody uses, the one with the most free memory first.
.DESCRIPTION
Idle is what the fleet's launcher calls so: utilisation under 50 % and more than 12 GB free.
.EXAMPLE
./Select-IdleGpu.ps1 | Select-Object -First 1 | Start-Training samples/demo.yaml
.EXAMPLE
./Select-IdleGpu.ps1 -ComputerName gpu01, gpu02 | Format-Table ComputerName, Index, Name
#>
[CmdletBinding()]
param(
    [string[]] $ComputerName,
    [ValidateRange(0, 100)] [int] $MaxUtilizationPercent = 50,
    [ValidateRange(0, [long]::MaxValue)] [long] $MinMemoryFreeBytes = 12GB
)

$ErrorActionPreference = 'Stop'
$where = $ComputerName ? @{ ComputerName = $ComputerName } : @{}
Get-GpuStatus @where |
    Where-Object { $_.UtilizationPercent -lt $MaxUtilizationPercent -and $_.MemoryFreeBytes -gt $MinMemoryFreeBytes } |
    Sort-Object MemoryFreeBytes -Descending
