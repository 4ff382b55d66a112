<#
.SYNOPSIS
Registers a scheduled task (Windows Task Scheduler) that trains every night and goes on where it stopped.
.DESCRIPTION
The task runs Invoke-TrainingUntilFinished.ps1, which starts the training again until its exit code is 0. When the window
ends, Task Scheduler ends the shell; the training notices the closed pipe, writes a checkpoint and leaves.
Written for Windows; it has not been run there yet.
.EXAMPLE
./Register-TrainingTask.ps1 -Name Nightly -ConfigPath C:\training\config.yaml -RunPath C:\training\runs\nightly -At 22:00 -Hours 8
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $ConfigPath,
    [Parameter(Mandatory)] [string] $RunPath,
    [datetime] $At = '22:00',
    [ValidateRange(1, 24)] [int] $Hours = 8
)

$ErrorActionPreference = 'Stop'
if (-not $IsWindows) { throw 'Task Scheduler is a part of Windows; on Linux see scripts/systemd and scripts/cron.' }

$script = Join-Path $PSScriptRoot Invoke-TrainingUntilFinished.ps1
$arguments = '-NoProfile -NonInteractive -File "{0}" -ConfigPath "{1}" -RunPath "{2}"' -f $script, $ConfigPath, $RunPath
$action = New-ScheduledTaskAction -Execute (Get-Process -Id $PID).Path -Argument $arguments
$trigger = New-ScheduledTaskTrigger -Daily -At $At
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit (New-TimeSpan -Hours $Hours) -MultipleInstances IgnoreNew -StartWhenAvailable
if ($PSCmdlet.ShouldProcess($Name, 'Register a scheduled task')) {
    Register-ScheduledTask -TaskName "RobustTrain-$Name" -Action $action -Trigger $trigger -Settings $settings
}
