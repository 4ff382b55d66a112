<#
.SYNOPSIS
Runs a training until it is finished, whatever stops it on the way; the body of a scheduled task.
.DESCRIPTION
Exit codes of a training: 0 finished; 75 stopped with a checkpoint, and above 128 (on Windows below 0, or 1 and 3 where the
run's record says nothing of an end) killed: started again; anything else needs a person and ends the script with that code. So does a training that is killed again and again
before it writes its next checkpoint.
.PARAMETER MaxKilled
How many times in a row a training may be killed without a new checkpoint.
.PARAMETER At
When the window of a scheduled task begins, each day, as 22:00. Within the window the script trains, and stops the training
with a checkpoint at its end; outside of it nothing is started. What stops the training before leaves the rest to the next
window: exit code 75 ends the script.
.PARAMETER Hours
The length of the window; 24 is one without an end.
.PARAMETER LogPath
A file to which all that is shown is appended.
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
    [timespan] $At,
    [ValidateRange(1, 24)] [int] $Hours = 8,
    [string] $LogPath,
    [ValidateRange(1, 10000)] [int] $MaxAttempts = 100,
    [ValidateRange(1, 10000)] [int] $MaxKilled = 5,
    [ValidateRange(0, 86400)] [int] $RetrySeconds = 10
)

$ErrorActionPreference = 'Stop'
# A log is no terminal: no colours in it.
if ([Console]::IsOutputRedirected) { $PSStyle.OutputRendering = 'PlainText' }
if ($LogPath) { Start-Transcript -LiteralPath $LogPath -Append | Out-Null }
if (-not (Get-Module RobustTrain)) {
    # Beside the script in the module itself; in a checkout in artifacts; elsewhere it is installed.
    $near = 'RobustTrain.psd1', 'artifacts/RobustTrain/RobustTrain.psd1' | ForEach-Object { Join-Path $PSScriptRoot .. $_ } | Where-Object { Test-Path -LiteralPath $_ }
    Import-Module ($near ? @($near)[0] : 'RobustTrain')
}

$isScheduled = $PSBoundParameters.ContainsKey('At')
$end = [datetime]::MaxValue
if ($isScheduled -and $Hours -lt 24) {
    $begin = [datetime]::Today + $At
    if ($begin -gt [datetime]::Now) { $begin = $begin.AddDays(-1) }
    $end = $begin.AddHours($Hours)
    if ([datetime]::Now -ge $end) {
        Write-Warning "It is $([datetime]::Now.ToString('HH:mm')), which is outside of the window from $($begin.ToString('HH:mm')) to $($end.ToString('HH:mm')): nothing is started."
        exit 0
    }
}

# Trains in a job, so that this shell can stop it with a checkpoint when the window ends.
function Start-TrainingInWindow([hashtable] $Parameters) {
    $job = Start-Training @Parameters -AsJob -ErrorAction SilentlyContinue -ErrorVariable refused
    if (-not $job) { $script:failure = $refused; return }
    while (-not (Wait-Job $job -Timeout 1)) {
        Receive-Job $job
        if ([datetime]::Now -ge $end) { Stop-Job $job }
    }
    Receive-Job $job -ErrorAction SilentlyContinue -ErrorVariable told
    $script:failure = $told
    $global:LASTEXITCODE = $job.ExitCode
    Remove-Job $job
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
    $training = @{ ConfigurationPath = $ConfigPath; RunPath = $RunPath; Resume = 'Auto'; Set = $settings }
    if ($isScheduled) { Start-TrainingInWindow $training }
    else { Start-Training @training -ErrorAction SilentlyContinue -ErrorVariable failure }
    if ($LASTEXITCODE -eq 0 -and -not $failure) { exit 0 }
    $code = $LASTEXITCODE
    if ($isScheduled -and $code -eq 75) { exit 75 }
    # A trainer that ended itself has its run's record say so. Where that says nothing, it was killed, whatever Windows gives for an exit code: 1 by
    # taskkill, 3 by the C runtime's abort().
    $died = $IsWindows -and $code -in 1, 3 -and (Get-TrainingRun $RunPath -ErrorAction Ignore).State -eq 'Interrupted'
    if (-not $died -and $code -ne 75 -and $code -ge 0 -and $code -lt 128) {
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
