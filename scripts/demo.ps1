<#
.SYNOPSIS
The main job through the cmdlets: sample data, training, test.
#>
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
# A log is no terminal: no colours in it.
if ([Console]::IsOutputRedirected) { $PSStyle.OutputRendering = 'PlainText' }
Set-Location (Split-Path $PSScriptRoot)
Import-Module ./artifacts/RobustTrain/RobustTrain.psd1

$run = "runs/demo-$(Get-Date -Format yyyyMMdd-HHmmss)"
if (-not (Test-Path data/demo)) { New-SampleDataset data/demo | Format-List }
Start-Training samples/demo.yaml -RunPath $run | Out-Default
Get-TrainingRun $run | Measure-Model -Split Test -Baseline | Format-List
"The run folder is $run."
