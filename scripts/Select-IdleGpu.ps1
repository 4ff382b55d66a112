<#
.SYNOPSIS
Writes the GPUs that nobody uses, the one with the most free memory first.
.DESCRIPTION
Idle is what the fleet's launcher calls so: utilisation under 50 % and 12 GB free. A GPU that is lost, that does not tell these values, or that
CUDA_VISIBLE_DEVICES leaves out is not idle.
.EXAMPLE
./Select-IdleGpu.ps1 | Select-Object -First 1 | Start-Training samples/demo.yaml
.EXAMPLE
./Select-IdleGpu.ps1 -Wait | Select-Object -First 1 | Start-Training samples/demo.yaml
.EXAMPLE
./Select-IdleGpu.ps1 -ComputerName gpu01, gpu02 | Format-Table ComputerName, Index, Name
#>
[CmdletBinding()]
param(
    [string[]] $ComputerName,
    [ValidateRange(1, 101)] [int] $UtilizationBelow = 50,
    [ValidateRange(0, [long]::MaxValue)] [long] $MemoryFree = 12GB,
    [switch] $Wait
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module RobustTrain)) {
    # In a checkout the module stands in artifacts; elsewhere it is installed.
    $built = Join-Path $PSScriptRoot .. artifacts RobustTrain RobustTrain.psd1
    Import-Module ((Test-Path $built) ? $built : 'RobustTrain')
}

$where = $ComputerName ? @{ ComputerName = $ComputerName } : @{}
Get-GpuStatus @where -Idle -UtilizationBelow $UtilizationBelow -MemoryFree $MemoryFree -Wait:$Wait
