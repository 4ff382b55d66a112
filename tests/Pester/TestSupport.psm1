# What the tests share: folders of their own, the fake host, shells of their own, and counting what is left of them.

$module = $env:ROBUSTTRAIN_TEST_MODULE ?? (Join-Path (Split-Path (Split-Path $PSScriptRoot)) 'artifacts/RobustTrain/RobustTrain.psd1')

function Import-ModuleUnderTest { Import-Module $module -Global -Force:$false }

function Get-ModulePath { $module }

# From now on the cmdlets start tests/Pester/fakes/robusttrain, which behaves as told (FAKE_...); on Windows what tests/Windows makes of it.
function Use-FakeHost {
    param([hashtable] $Behaviour = @{})
    Get-ChildItem env:FAKE_* | Remove-Item
    $env:ROBUSTTRAIN_HOST = $IsWindows ? ($env:ROBUSTTRAIN_TEST_FAKE ?? (Join-Path (Split-Path $PSScriptRoot) 'Windows/bin/Release/net10.0/windows-tests.exe')) : (Join-Path $PSScriptRoot 'fakes/robusttrain')
    foreach ($name in $Behaviour.Keys) { Set-Item "env:FAKE_$name" $Behaviour[$name] }
}

# The arguments of the fake host's last call, where it keeps its calls.
function Get-LastCall { @(Get-Content $env:FAKE_CALLS)[-1] }

function Use-RealHost {
    Get-ChildItem env:FAKE_* | Remove-Item
    Remove-Item env:ROBUSTTRAIN_HOST -ErrorAction Ignore
}

# The ids of the living processes that have a text in their command line: every trainer has its run's folder there.
function Get-Leftover {
    param([Parameter(Mandatory)] [string] $Text)
    if ($IsWindows) {
        foreach ($id in [RobustTrain.Platform.WindowsProcesses]::List().Id) {
            $command = [RobustTrain.Platform.WindowsProcesses]::CommandOf($id)
            if ($id -ne $PID -and $command -and $command.Replace('\', '/').Contains($Text.Replace('\', '/'))) { $id }
        }
        return
    }
    foreach ($folder in [IO.Directory]::EnumerateDirectories('/proc')) {
        $id = [IO.Path]::GetFileName($folder)
        if ($id -notmatch '^\d+$' -or $id -eq $PID) { continue }
        try { $command = [IO.File]::ReadAllText("$folder/cmdline") } catch { continue }
        if ($command.Contains($Text)) { [int] $id }
    }
}

# Waits for a fact, for at most so many seconds; $true when it came.
function Wait-Fact {
    param([Parameter(Mandatory)] [scriptblock] $Fact, [double] $Seconds = 240)
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while (-not (& $Fact)) {
        if ([DateTime]::UtcNow -gt $end) { return $false }
        Start-Sleep -Milliseconds 50
    }
    $true
}

# Waits for what a shell should come to; says what it said, and what the threads of processes are at, where it does not.
function Assert-ShellFact {
    param([Parameter(Mandatory)] [scriptblock] $Fact, [Parameter(Mandatory)] [Diagnostics.Process] $Shell, [Parameter(Mandatory)] [string] $OutputPath)
    if (Wait-Fact $Fact) { return }
    $states = foreach ($process in (Get-Process).Where({ $_.Id -eq $Shell.Id -or $_.Parent.Id -eq $Shell.Id -or $_.Name -eq 'robusttrain' })) {
        "$($process.Id) $($process.CommandLine) [$((Get-Content "/proc/$($process.Id)/task/*/comm", "/proc/$($process.Id)/task/*/wchan" -ErrorAction Ignore) -join ' ')]"
    }
    throw "The shell did not come to '$Fact'; it said '$(Get-Content -Raw $OutputPath -ErrorAction Ignore)'; processes: $($states -join '; ')"
}

# A pwsh of its own that runs a script with the module imported; its output goes to a file.
function Start-TestShell {
    param([Parameter(Mandatory)] [string] $Script, [Parameter(Mandatory)] [string] $OutputPath)
    $file = "$OutputPath.ps1"
    Set-Content -LiteralPath $file -Value "Import-Module '$module'`n$Script"
    if ($IsWindows) {
        $start = [Diagnostics.ProcessStartInfo]::new("$PSHOME/pwsh.exe", [string[]] @('-NoProfile', '-NonInteractive', '-Command', "& '$file' *>'$OutputPath'; exit `$LASTEXITCODE"))
        $start.CreateNoWindow = $true
        $start.RedirectStandardInput = $true
        $shell = [Diagnostics.Process]::Start($start)
        $shell.StandardInput.Close()
        return $shell
    }
    $start = [Diagnostics.ProcessStartInfo]::new('/bin/sh', [string[]] @('-c', "exec env --default-signal=HUP,INT '$PSHOME/pwsh' -NoProfile -NonInteractive -File '$file' >'$OutputPath' 2>&1 </dev/null"))
    [Diagnostics.Process]::Start($start)
}

Export-ModuleMember -Function *
