# Every way in which a monitor can end, in every state that it can be in, and what is left of it: nothing.
BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'MonitorSupport.psm1') -Force
    $situations = @('idle between samples', 'in the middle of a sample', 'with a source that hangs') + @(if (Test-SshServerInstalled) { 'with an ssh host that is gone' })
    $situations = $situations.ForEach({ @{ Situation = $_ } })
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'MonitorSupport.psm1') -Force
    Import-ModuleUnderTest
    Use-NvmlStub (Join-Path $TestDrive nvml)
    if (Test-SshServerInstalled) { $server = Start-SshServer (Join-Path $TestDrive sshd) }

    # The text that starts a monitor for a situation.
    function Get-StartText([string] $Situation, [int] $HostTimeout = 5) {
        switch ($Situation) {
            'idle between samples' { 'Start-Monitor -Interval 3600' }
            'in the middle of a sample' { 'Start-Monitor -Interval 0.1 -Timeout 600' }
            'with a source that hangs' { 'Start-Monitor -Interval 0.1 -Timeout 0.2' }
            'with an ssh host that is gone' { "Start-Monitor -Interval 0.1 -Timeout $HostTimeout -ComputerName box -SshConfigPath '$($server.Config)'" }
        }
    }

    function Set-Scene([string] $Situation) {
        Set-NvmlScene ($Situation -in 'in the middle of a sample', 'with a source that hangs' ? 'gpus 8; hang nvmlDeviceGetUtilizationRates' : 'gpus 8')
    }

    # Waits until the monitor is in the situation.
    function Wait-Situation([string] $Situation, $Job) {
        switch ($Situation) {
            'idle between samples' { Wait-Fact { $Job.SamplesTaken -ge 2 } | Should -BeTrue }
            'in the middle of a sample' { Wait-Fact { Test-NvmlHanging } | Should -BeTrue }
            'with a source that hangs' { Wait-Fact { $Job.SamplesAbandoned -ge 1 } | Should -BeTrue }
            'with an ssh host that is gone' {
                Wait-Fact { $Job.Connected -ge 1 } | Should -BeTrue
                Send-SshServerSignal $server STOP
                Wait-Fact { $Job.Connected -eq 0 } | Should -BeTrue
            }
        }
    }

    # Undoes the situation; a call that was left behind in the library comes back.
    function Clear-Situation {
        Set-NvmlScene 'gpus 8'
        if ($server) { Send-SshServerSignal $server CONT }
    }

    function Assert-NothingLeft([int] $Runspaces) {
        # The server's children come and go; those of earlier test files, as a connection kept for the next query, are not this test's.
        Wait-Fact { -not (Select-Alive @(Get-Descendant | Where-Object { $_ -notin $childrenBefore -and $_ -notin @(Get-Descendant $server.Process.Id) })) } | Should -BeTrue -Because 'no child may be left'
        [RobustTrain.Cmdlets.Lifetime.RunspaceLifetime]::Everything.Where({ $_ -is [RobustTrain.Cmdlets.Jobs.MonitorJob] }) | Should -BeNullOrEmpty
        Wait-Fact { (Get-Runspace).Count -le $Runspaces } | Should -BeTrue -Because 'no runspace may be left'
        Clear-Situation
        Wait-Fact { -not (Get-MonitorThread) } | Should -BeTrue -Because "no thread may be left: $(Get-MonitorThread)"
        Wait-Fact { -not (Get-MonitorHandle) } | Should -BeTrue -Because "no handle may be left: $(Get-MonitorHandle)"
    }
}

AfterAll {
    Get-Job | Remove-Job -Force
    Clear-Situation
    Stop-SshServer $server
    Remove-Item env:ROBUSTTRAIN_NVML -ErrorAction Ignore
}

Describe 'A monitor <Situation>' -ForEach $situations {
    BeforeEach {
        $runspaces = (Get-Runspace).Count
        $childrenBefore = @(Get-Descendant)
        Set-Scene $situation
        $Error.Clear()
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach {
        Get-Job | Remove-Job -Force
        Clear-Situation
    }

    It 'is ended by Stop-Monitor' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        $stopped = Stop-Monitor -Name $job.Name -PassThru
        $stopped.State | Should -Be Stopped
        $stopped.Health.State | Where-Object { $_ -notin 'Stopped', 'StoppedWithCallAbandoned' } | Should -BeNullOrEmpty
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by Stop-Job' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        Stop-Job $job
        $job.State | Should -Be Stopped
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by Remove-Job -Force' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        Remove-Job $job -Force
        Get-Monitor | Should -BeNullOrEmpty
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'outlives Ctrl+C in Receive-Job -Wait, which leaves nothing of its own, and is ended afterwards' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        $runspace = [runspacefactory]::CreateRunspace()
        $runspace.Open()
        $shell = [powershell]::Create($runspace)
        [void] $shell.AddScript('param($job) Receive-Job $job -Wait').AddArgument($job)
        [void] $shell.BeginInvoke()
        $shell.Stop()
        $shell.InvocationStateInfo.State | Should -Be Stopped
        $shell.Dispose()
        $runspace.Dispose()
        $job.State | Should -Be Running
        Stop-Monitor $job.Name
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'outlives an early Select-Object -First, and is ended afterwards' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        (Receive-Job $job -Wait -WarningAction Ignore | Select-Object -First 1).ComputerName | Should -Not -BeNullOrEmpty
        $job.State | Should -Be Running
        Stop-Monitor $job.Name
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by Remove-Module' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        Remove-Module RobustTrain
        Wait-Fact { $job.State -eq 'Stopped' } | Should -BeTrue
        Import-ModuleUnderTest
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by Import-Module -Force' {
        $job = Invoke-Expression (Get-StartText $situation)
        Wait-Situation $situation $job
        Import-Module (Get-ModulePath) -Force -Global
        Wait-Fact { $job.State -eq 'Stopped' } | Should -BeTrue
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by closing its runspace' {
        $runspace = [runspacefactory]::CreateRunspace()
        $runspace.Open()
        $shell = [powershell]::Create($runspace)
        $job = $shell.AddScript("Import-Module '$(Get-ModulePath)'; $(Get-StartText $situation)").Invoke()[0]
        $shell.Streams.Error | Should -BeNullOrEmpty
        $shell.Dispose()
        Wait-Situation $situation $job
        $runspace.Dispose()
        Wait-Fact { $job.State -eq 'Stopped' } | Should -BeTrue
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }

    It 'is ended by closing its runspace pool' {
        $pool = [runspacefactory]::CreateRunspacePool(1, 1)
        $pool.Open()
        $shell = [powershell]::Create()
        $shell.RunspacePool = $pool
        $job = $shell.AddScript("Import-Module '$(Get-ModulePath)'; $(Get-StartText $situation)").Invoke()[0]
        $shell.Streams.Error | Should -BeNullOrEmpty
        $shell.Dispose()
        Wait-Situation $situation $job
        $pool.Dispose()
        Wait-Fact { $job.State -eq 'Stopped' } | Should -BeTrue
        Assert-NothingLeft $runspaces
        $Error | Should -BeNullOrEmpty
    }
}

# The shells of a situation live side by side, so that what they wait for is waited for once. Five that connect at once on a loaded machine need more than
# the few seconds within which a host that is gone is told.
Describe 'The shell of a monitor <Situation>' -ForEach $situations {
    BeforeDiscovery {
        $ways = @(
            @{ Way = 'exit' }
            @{ Way = 'SIGTERM'; Signal = 'TERM' }
            @{ Way = 'SIGHUP'; Signal = 'HUP' }
            @{ Way = 'kill -9'; Signal = 'KILL' }
            @{ Way = 'Ctrl+C in Receive-Job -Wait'; Signal = 'INT' }
        )
    }

    BeforeAll {
        Set-Scene $situation
        $shells = @{}
        foreach ($way in 'exit', 'SIGTERM', 'SIGHUP', 'kill -9', 'Ctrl+C in Receive-Job -Wait') {
            $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
            Set-Content "$folder/shell.ps1" @"
`$WarningPreference = 'Ignore'
Import-Module '$(Get-ModulePath)'
`$job = $(Get-StartText $situation -HostTimeout 30)
while (`$job.SamplesTaken -lt 1) { Start-Sleep -Milliseconds 20 }
Set-Content '$folder/sampled' ''
while (-not (Test-Path '$folder/go')) {
    if (`$job.SamplesAbandoned + `$job.Errors) { Set-Content '$folder/stale' '' }
    Start-Sleep -Milliseconds 20
}
Set-Content '$folder/waiting' ''
$($way -eq 'exit' ? 'exit 7' : 'Receive-Job $job -Wait | Out-Null; exit 8')
"@
            $shells[$way] = [pscustomobject]@{
                Folder  = $folder
                Process = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new('/bin/sh', [string[]] @('-c', "exec env --default-signal=HUP,INT '$PSHOME/pwsh' -NoProfile -NonInteractive -File '$folder/shell.ps1' >'$folder/output' 2>&1 </dev/null")))
            }
        }
        foreach ($shell in $shells.Values) {
            Assert-ShellFact { Test-Path "$($shell.Folder)/sampled" } $shell.Process "$($shell.Folder)/output"
        }
        if ($situation -eq 'with an ssh host that is gone') { Send-SshServerSignal $server STOP }
        foreach ($shell in $shells.Values) {
            switch ($situation) {
                'in the middle of a sample' { Wait-Fact { Test-NvmlHanging $shell.Process.Id } | Should -BeTrue }
                { $_ -in 'with a source that hangs', 'with an ssh host that is gone' } { Wait-Fact { Test-Path "$($shell.Folder)/stale" } | Should -BeTrue }
            }
        }
    }

    AfterAll {
        foreach ($shell in $shells.Values) { if (-not $shell.Process.HasExited) { $shell.Process.Kill() } }
        Clear-Situation
    }

    It 'ends by <Way> and leaves nothing' -ForEach $ways {
        $shell, $folder = $shells[$Way].Process, $shells[$Way].Folder
        $children = @(Get-Descendant $shell.Id)
        Set-Content $folder/go ''
        if ($Signal) {
            Wait-Fact { Test-Path $folder/waiting } | Should -BeTrue
            & /bin/kill -s $Signal $shell.Id
        }
        $shell.WaitForExit(240000) | Should -BeTrue
        if ($Way -eq 'exit') { $shell.ExitCode | Should -Be 7 }
        Wait-Fact { -not (Select-Alive $children) } | Should -BeTrue -Because 'no child may outlive the shell'
        Get-Content -Raw $folder/output | Should -Not -Match 'Exception|Unhandled|   at '
        Get-Descendant $shell.Id | Should -BeNullOrEmpty
    }
}

Describe 'Monitors, ten times in a row' {
    It 'leave threads, runspaces, children and handles where they were: <Kind>' -ForEach @(
        @{ Kind = 'this host'; Text = { 'Start-Monitor -Interval 0.05' } }
        @{ Kind = 'another host'; Text = { "Start-Monitor -Interval 0.05 -ComputerName box -SshConfigPath '$($server.Config)'" }; Ssh = $true }
    ) {
        if ($Ssh -and -not $server) { Set-ItResult -Skipped -Because 'sshd is not installed (Debian: openssh-server)'; return }
        $WarningPreference = 'SilentlyContinue'
        $runspaces = (Get-Runspace).Count
        $childrenBefore = @(Get-Descendant)
        $threads = $null
        foreach ($round in 1..10) {
            $job = Invoke-Expression (& $Text)
            Wait-Fact { $job.SamplesTaken -ge 1 } | Should -BeTrue
            Stop-Monitor $job.Name
            Remove-Job $job
            if ($round -eq 3) { $threads = [Diagnostics.Process]::GetCurrentProcess().Threads.Count }
        }
        Assert-NothingLeft $runspaces
        Wait-Fact { [Diagnostics.Process]::GetCurrentProcess().Threads.Count -le $threads + 4 } | Should -BeTrue -Because "$threads threads became $([Diagnostics.Process]::GetCurrentProcess().Threads.Count)"
    }
}
