<#
.SYNOPSIS
Runs a training until it is finished, whatever stops it on the way; the body of a scheduled task.
.DESCRIPTION
Exit codes of a training: 0 finished; 75 stopped with a checkpoint, and above 128 (or below 0 on Windows) killed: started
again; anything else needs a person and ends the script with that code. So does a training that is killed again and again
before it writes its next checkpoint.
.PARAMETER MaxKilled
How many times in a row a training may be killed without a new checkpoint.
.PARAMETER Set
Settings key=value. "pwsh -File" hands over one text only; there several are separated by commas: -Set seed=3,loader.batch_size=8
.EXAMPLE
./Invoke-TrainingUntilFinished.ps1 -ConfigPath samples/demo.yaml -RunPath runs/nightly
.EXAMPLE
pwsh -File Invoke-TrainingUntilFinished.ps1 -ConfigPath my.yaml -RunPath runs/nightly -Set seed=3,data.mean=[0.5,0.5,0.5]
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ConfigPath,
    [Parameter(Mandatory)] [string] $RunPath,
    [string[]] $Set = @(),
    [ValidateRange(1, 10000)] [int] $MaxAttempts = 100,
    [ValidateRange(1, 10000)] [int] $MaxKilled = 5,
    [ValidateRange(0, 86400)] [int] $RetrySeconds = 10
)

$ErrorActionPreference = 'Stop'
# A log is no terminal: no colours in it.
if ([Console]::IsOutputRedirected) { $PSStyle.OutputRendering = 'PlainText' }
if (-not (Get-Module RobustTrain)) {
    # In a checkout the module stands in artifacts; elsewhere it is installed.
    $built = Join-Path $PSScriptRoot .. artifacts RobustTrain RobustTrain.psd1
    Import-Module ((Test-Path $built) ? $built : 'RobustTrain')
}

# A comma separates settings where a key and an equals sign follow; any other one belongs to a value.
$settings = @($Set -split ',\s*(?=[A-Za-z_][A-Za-z0-9_.]*=)')
# What is different once there is a new checkpoint.
function Get-CheckpointState { "$(Get-ChildItem (Join-Path $RunPath checkpoints) -ErrorAction Ignore | ForEach-Object { $_.Name, $_.LastWriteTimeUtc.Ticks })" }
$killed = 0
foreach ($attempt in 1..$MaxAttempts) {
    $before = Get-CheckpointState
    $global:LASTEXITCODE = 0
    $failure = $null
    Start-Training $ConfigPath -RunPath $RunPath -Resume Auto -Set $settings -ErrorAction SilentlyContinue -ErrorVariable failure
    if ($LASTEXITCODE -eq 0 -and -not $failure) { exit 0 }
    $code = $LASTEXITCODE
    if ($code -ne 75 -and $code -ge 0 -and $code -lt 128) {
        Write-Warning "Attempt $attempt ended with exit code ${code}: $failure"
        exit ($code -eq 0 ? 1 : $code)
    }
    $killed = $code -eq 75 -or (Get-CheckpointState) -ne $before ? 0 : $killed + 1
    if ($killed -ge $MaxKilled) {
        Write-Warning "Killed $killed times in a row without a new checkpoint, at last with exit code ${code}; a person has to look."
        exit $code
    }
    Write-Warning "Attempt $attempt ended with exit code $code; going on in $RetrySeconds s."
    Start-Sleep -Seconds $RetrySeconds
}
Write-Warning "Not finished after $MaxAttempts attempts."
exit 75
