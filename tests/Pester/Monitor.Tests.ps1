BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'MonitorSupport.psm1') -Force
    $withoutSsh = -not (Test-SshServerInstalled)
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'MonitorSupport.psm1') -Force
    Import-ModuleUnderTest
    Use-NvmlStub (Join-Path $TestDrive nvml)
    if (Test-SshServerInstalled) { $server = Start-SshServer (Join-Path $TestDrive sshd) -Name gpu01, gpu02 }
}

AfterAll {
    Get-Job | Remove-Job -Force
    Stop-SshServer $server
    Remove-Item env:ROBUSTTRAIN_NVML -ErrorAction Ignore
}

Describe 'Get-GpuStatus' {
    BeforeEach { Set-NvmlScene 'gpus 8' }

    It 'reads all GPUs' {
        $gpus = Get-GpuStatus
        $gpus.Count | Should -Be 8
        $gpus.Index | Should -Be (0..7)
        $gpus[2].UtilizationPercent | Should -Be 20
        $gpus[2].FanPercent | Should -BeNullOrEmpty
    }

    It 'composes: Get-GpuStatus | Where-Object MemoryFreeBytes -gt 37GB' {
        (Get-GpuStatus | Where-Object MemoryFreeBytes -gt 37GB).Index | Should -Be 0, 1
    }

    It 'takes indices, UUIDs and names, with wildcards' {
        (Get-GpuStatus 3, 5).Index | Should -Be 3, 5
        (Get-GpuStatus -Uuid 'GPU-00000004*').Index | Should -Be 4
        (Get-GpuStatus -Name *A100*).Count | Should -Be 8
    }

    It 'says which GPUs there are where one is not known: <Parameter>' -ForEach @(
        @{ Parameter = 'Index'; Value = 9; Id = 'GpuIndexNotFound'; Hint = '0, 1, 2, 3, 4, 5, 6, 7' }
        @{ Parameter = 'Uuid'; Value = 'GPU-00000004-aaaa-bbbb-cccc-0123456789ac'; Id = 'GpuUuidNotFound'; Hint = 'Did you mean GPU-' }
        @{ Parameter = 'Name'; Value = 'NVIDIA A100-SXM4-80GB'; Id = 'GpuNameNotFound'; Hint = 'Did you mean NVIDIA A100-SXM4-40GB?' }
    ) {
        $arguments = @{ $Parameter = $Value }
        Get-GpuStatus @arguments -ErrorVariable missing -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $missing[0].FullyQualifiedErrorId | Should -Be "$Id,RobustTrain.Cmdlets.Commands.GetGpuStatusCommand"
        $missing[0].CategoryInfo.Category | Should -Be ObjectNotFound
        $missing[0].TargetObject | Should -Be $Value
        $missing[0].Exception.Message | Should -Match ([regex]::Escape($Hint))
    }

    It 'is an empty result with a warning where the driver is not loaded, and an error where an index was asked for' {
        $env:ROBUSTTRAIN_NVML, $stub = '/nowhere/libnvidia-ml.so.1', $env:ROBUSTTRAIN_NVML
        try {
            # The open library serves until nobody has asked for it for a while; another runspace has none.
            $shell = [powershell]::Create()
            $shell.AddScript("Import-Module '$(Get-ModulePath)'; Get-GpuStatus -Source nvml; Get-GpuStatus 0 -Source nvml").Invoke() | Should -BeNullOrEmpty
            $shell.Streams.Warning[0].Message | Should -Match 'NVML was not found'
            $shell.Streams.Error.Count | Should -Be 1
            $shell.Streams.Error[0].FullyQualifiedErrorId | Should -BeLike 'NvmlNotFound,*'
            $shell.Dispose()
        }
        finally { $env:ROBUSTTRAIN_NVML = $stub }
    }

    It 'warns where NVML works but there is no GPU' {
        Set-NvmlScene 'gpus 0'
        Get-GpuStatus -WarningVariable none -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        $none.Message | Should -Match 'has no NVIDIA GPU'
    }

    It 'does not wait for a driver that hangs, and fails at once the second time' {
        Set-NvmlScene 'gpus 8; hang nvmlDeviceGetUtilizationRates'
        Get-GpuStatus -Timeout 0.3 -ErrorVariable late -ErrorAction SilentlyContinue
        $late[0].FullyQualifiedErrorId | Should -BeLike 'SampleTimedOut,*'
        Get-GpuStatus -Timeout 600 -ErrorVariable hangs -ErrorAction SilentlyContinue
        $hangs[0].FullyQualifiedErrorId | Should -BeLike 'SourceHangs,*'
        Set-NvmlScene 'gpus 8'
        Wait-Fact { (Get-GpuStatus -ErrorAction Ignore).Count -eq 8 } | Should -BeTrue
    }

    It 'is ended by Ctrl+C and by Select-Object -First, fifty times in a row' {
        foreach ($round in 1..50) { (Get-GpuStatus | Select-Object -First 1).Index | Should -Be 0 }
        (Get-MonitorThread) | Should -BeNullOrEmpty
    }

    It 'gives flat objects that survive JSON, CSV and remoting' {
        $gpu = Get-GpuStatus 1
        $json = $gpu | ConvertTo-Json | ConvertFrom-Json
        $json.MemoryTotalBytes | Should -Be 40GB
        $json.ThrottleReasons | Should -Be 'HwSlowdown, HwThermalSlowdown'
        $back = $gpu | ConvertTo-Csv | ConvertFrom-Csv
        $back.UtilizationPercent | Should -Be 10
        $back.PSObject.Properties.Value | Should -Not -Match '^System\.'
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($gpu))
        $copy.Index | Should -Be 1
        $copy.PowerWatts | Should -Be 101.5
        $copy.PSObject.TypeNames | Should -Contain 'Deserialized.RobustTrain.Monitoring.Status.GpuStatus'
    }

    It 'shows a table with units and bars, whole at 80 columns' {
        Set-NvmlScene 'gpus 8; lost 6'
        $table = Get-GpuStatus 5, 6, 7 | Out-String -Width 80
        $table | Should -Match 'Host +GPU +Name +Util % +Memory GiB +°C +Power W +Note'
        $table | Should -Match '7 A100-SXM4-40GB +███▌ +70 +8\.0/40\.0 +47 +108/400'
        $table | Should -Not -Match '…'
        $table -replace '\s' | Should -Match 'isl'
        ($table -split "`n").Length | Sort-Object | Select-Object -Last 1 | Should -BeLessOrEqual 80
    }

    It 'writes idle GPUs, the one with the most free memory first' {
        (Get-GpuStatus -Idle).Index | Should -Be (0..4)
        (Get-GpuStatus -Idle -UtilizationBelow 15).Index | Should -Be 0, 1
        (Get-GpuStatus -Idle -MemoryFree 37GB).Index | Should -Be 0, 1
        (Get-GpuStatus 2, 3 -Idle).Index | Should -Be 2, 3
    }

    It 'never takes a GPU for idle that is lost or does not tell' {
        Get-GpuStatus | Out-Null
        Set-NvmlScene 'gpus 3; lost 0; unsupported 1'
        $lost = Get-GpuStatus 0
        $lost.IsConnected | Should -BeFalse
        $lost.Error | Should -Match lost
        $lost.Device | Should -BeNullOrEmpty
        (Get-GpuStatus -Idle -MemoryFree 0).Index | Should -Be 2
        (& "$PSScriptRoot/../../scripts/Select-IdleGpu.ps1").Index | Should -Be 2
    }

    It 'says why none is idle' {
        Set-NvmlScene 'gpus 2; lost 0'
        Get-GpuStatus -Idle -MemoryFree 60GB -WarningVariable none -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        $none.Message | Should -Match 'No GPU is idle: .* GPU 0 is not connected; .* GPU 1 has 37\.5 GiB free\.'
    }

    It 'waits for an idle GPU with -Wait, and is an error where there is none to wait for' {
        Set-NvmlScene 'gpus 1; lost 0'
        $waits = @()
        # The GPU comes back once it is waited for.
        $idle = Get-GpuStatus -Idle -Wait -WarningAction Continue 3>&1 | ForEach-Object {
            if ($_ -is [Management.Automation.WarningRecord]) { $waits += $_.Message; Set-NvmlScene 'gpus 1' } else { $_ }
        }
        $idle.Index | Should -Be 0
        $waits | Should -Match 'Waiting for an idle GPU'
        Set-NvmlScene 'gpus 0'
        { Get-GpuStatus -Idle -Wait -WarningAction SilentlyContinue } | Should -Throw '*nothing to wait for*' -ErrorId 'NoGpuToWaitFor,*'
    }

    It 'refuses -<Parameter> without -Idle' -ForEach @(
        @{ Parameter = 'MemoryFree'; Value = 12GB }, @{ Parameter = 'UtilizationBelow'; Value = 5 }, @{ Parameter = 'Wait'; Value = $true }
    ) {
        $arguments = @{ $Parameter = $Value }
        { Get-GpuStatus @arguments } | Should -Throw -ErrorId 'IdleNotGiven,*'
    }

    It 'names devices as CUDA_VISIBLE_DEVICES orders them, and leaves out what it leaves out' {
        Set-NvmlScene 'gpus 3'
        try {
            $env:CUDA_VISIBLE_DEVICES = '2,0'
            (Get-GpuStatus).Device | Should -Be 'cuda:1', $null, 'cuda:0'
            (Get-GpuStatus -Idle -MemoryFree 0).Index | Should -Be 0, 2
            $env:CUDA_VISIBLE_DEVICES = 'GPU-00000002'
            (Get-GpuStatus).Device | Should -Be $null, $null, 'cuda:0'
        }
        finally { Remove-Item env:CUDA_VISIBLE_DEVICES }
        (Get-GpuStatus).Device | Should -Be 'cuda:0', 'cuda:1', 'cuda:2'
    }

    It 'refuses a source where no GPU of this host is read' {
        Get-GpuStatus -ComputerName gpu01 -Source nvml -ErrorVariable refused -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $refused[0].FullyQualifiedErrorId | Should -BeLike 'SourceWithoutEffect,*'
    }

    It 'colours where the terminal has colours, and not otherwise' {
        $PSStyle.OutputRendering, $rendering = 'Ansi', $PSStyle.OutputRendering
        try { Get-GpuStatus 7 | Out-String | Should -Match "`e\[33m" } finally { $PSStyle.OutputRendering = 'PlainText' }
        try { Get-GpuStatus 7 | Out-String | Should -Not -Match "`e\[" } finally { $PSStyle.OutputRendering = $rendering }
    }

    It 'tells the processes on request' {
        Set-NvmlScene "gpus 2; process 0 $PID 1048576"
        $process = (Get-GpuStatus 0 -IncludeProcess).Processes
        $process.ProcessId | Should -Be $PID
        $process.User | Should -Be ([Environment]::UserName)
        $process.Command | Should -Match pwsh
        $process.MemoryUsedBytes | Should -Be 1MB
        (Get-GpuStatus 0).Processes | Should -BeNullOrEmpty
    }

    It 'binds the device of Start-Training by property name' {
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = "$TestDrive/calls" }
        try {
            Push-Location $TestDrive
            Get-GpuStatus | Where-Object MemoryFreeBytes -gt 12GB | Select-Object -Skip 2 -First 1 | Start-Training -RunPath r -WarningAction Ignore | Out-Null
            @(Get-Content "$TestDrive/calls")[-1] | Should -Match 'device=cuda:2'
        }
        finally {
            Pop-Location
            Use-RealHost
        }
    }

    It 'lets no training choose another device for a GPU that has none here: <Case>' -ForEach @(
        @{ Case = 'lost'; Scene = 'gpus 2; lost 1'; Visible = $null }
        @{ Case = 'left out'; Scene = 'gpus 2'; Visible = '0' }
    ) {
        Use-FakeHost @{ CALLS = "$TestDrive/none" }
        Set-NvmlScene $Scene
        $env:CUDA_VISIBLE_DEVICES = $Visible
        try {
            try { Get-GpuStatus 1 | Start-Training -RunPath r -ErrorVariable refused -ErrorAction SilentlyContinue } catch { $ended = $_ }
            $ended.FullyQualifiedErrorId | Should -BeLike 'NothingToTrain,*'
            $refused[0].FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentTransformationError,*'
            $refused[0].Exception.Message | Should -Match 'no device of a training here'
            Test-Path "$TestDrive/none" | Should -BeFalse
        }
        finally {
            Remove-Item env:CUDA_VISIBLE_DEVICES -ErrorAction Ignore
            Use-RealHost
        }
    }

    It 'ends no task in success where no GPU was left to train on' {
        Use-FakeHost @{ CALLS = "$TestDrive/none" }
        try {
            { Get-GpuStatus -Idle -MemoryFree 60GB -WarningAction Ignore | Select-Object -First 1 | Start-Training -RunPath r } | Should -Throw -ErrorId 'NothingToTrain,*'
            $LASTEXITCODE | Should -Be 2
            Test-Path "$TestDrive/none" | Should -BeFalse
        }
        finally { Use-RealHost }
    }

    It 'names the GPU that the trainer will use: CUDA numbers the devices as NVML does, unless the operator says otherwise' {
        $order, $env:CUDA_DEVICE_ORDER = $env:CUDA_DEVICE_ORDER, $null
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; ORDER = "$TestDrive/order" }
        Push-Location $TestDrive
        try {
            Start-Training -RunPath order1 -WarningAction Ignore | Out-Null
            Get-Content "$TestDrive/order" | Should -Be PCI_BUS_ID
            Remove-Item "$TestDrive/order"
            Start-Training -RunPath order2 -Detach -WarningAction Ignore | Out-Null
            Wait-Fact { (Get-TrainingRun order2).State -eq 'Finished' } | Should -BeTrue
            Get-Content "$TestDrive/order" | Should -Be PCI_BUS_ID
            $env:CUDA_DEVICE_ORDER = 'FASTEST_FIRST'
            Start-Training -RunPath order3 -WarningAction Ignore | Out-Null
            Get-Content "$TestDrive/order" | Should -Be FASTEST_FIRST
        }
        finally {
            $env:CUDA_DEVICE_ORDER = $order
            Pop-Location
            Use-RealHost
        }
    }

    It 'refuses a source that does not exist, with what is meant' {
        { Get-GpuStatus -Source nvlm } | Should -Throw '*Did you mean nvml?*'
        { Get-GpuStatus -Source simulated:0 } | Should -Throw '*simulated:N*'
        { Get-GpuStatus -Timeout 0 -ErrorAction Stop } | Should -Throw -ErrorId 'TimeoutOutOfRange,*'
    }

    It 'completes indices, UUIDs, names and sources' {
        (TabExpansion2 'Get-GpuStatus -Index ').CompletionMatches.CompletionText | Should -Be (0..7)
        (TabExpansion2 'Get-GpuStatus -Index ').CompletionMatches[0].ToolTip | Should -Match 'A100.*GiB free'
        (TabExpansion2 'Get-GpuStatus -Uuid GPU-00000006').CompletionMatches.CompletionText | Should -BeLike 'GPU-00000006-*'
        (TabExpansion2 'Get-GpuStatus -Name ').CompletionMatches.CompletionText | Should -Be "'NVIDIA A100-SXM4-40GB'"
        (TabExpansion2 'Get-GpuStatus -Source s').CompletionMatches.CompletionText | Should -Be simulated:8
    }
}

Describe 'Get-CpuStatus' {
    It 'reads this host' {
        $cpu = Get-CpuStatus -IncludeCore -IncludeProcess
        $cpu.LogicalCores | Should -BeGreaterOrEqual ([Environment]::ProcessorCount)
        $cpu.UtilizationPercent | Should -BeGreaterOrEqual 0
        $cpu.UtilizationPercent | Should -BeLessOrEqual 100
        $cpu.MemoryTotalBytes | Should -BeGreaterThan 100MB
        $cpu.Cores.Count | Should -Be $cpu.LogicalCores
        $cpu.Processes.ProcessId | Should -Contain $PID
    }

    It 'shows a table' { Get-CpuStatus | Out-String -Width 200 | Should -Match 'Cores +Util % +User +Sys +Wait +Steal +Load +Memory GiB' }

    It 'refuses a window of zero' { { Get-CpuStatus -Window 0 -ErrorAction Stop } | Should -Throw -ErrorId 'WindowOutOfRange,*' }
}

Describe 'Other hosts' -Skip:$withoutSsh {
    It 'are read side by side, and one that fails is an error of its own' {
        Set-SmiGeneration $server 550
        $gpus = Get-GpuStatus -ComputerName gpu01, gpu02, nowhere.invalid -SshConfigPath $server.Config -Timeout 20 -ErrorVariable failed -ErrorAction SilentlyContinue
        $gpus.Count | Should -Be 4
        $gpus.ComputerName | Sort-Object -Unique | Should -Be gpu01, gpu02
        $gpus.Where({ $_.Device }).Count | Should -Be 0 -Because "a GPU of another host is no device of a training here"
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'HostUnknown,*'
        $failed[0].TargetObject | Should -Be nowhere.invalid
    }

    It 'tell their CPU' {
        $cpu = Get-CpuStatus -ComputerName gpu01 -SshConfigPath $server.Config -Timeout 20
        $cpu.ComputerName | Should -Be gpu01
        $cpu.UtilizationPercent | Should -Not -BeNullOrEmpty
    }

    It 'are completed from the ssh configuration' {
        (TabExpansion2 "Get-GpuStatus -SshConfigPath '$($server.Config)' -ComputerName gpu").CompletionMatches.CompletionText | Should -Be gpu01, gpu02
    }

    It 'come down the pipeline into one monitor' {
        $job = [pscustomobject]@{ ComputerName = 'gpu01' }, [pscustomobject]@{ ComputerName = 'gpu02' } | Start-Monitor Cpu -SshConfigPath $server.Config -Interval 0.2
        $job.ComputerName | Should -Be gpu01, gpu02
        Wait-Fact { $job.Connected -eq 2 } | Should -BeTrue
        Remove-Job $job -Force
    }

    It 'that cannot be reached show as not connected with the reason' {
        $job = Start-Monitor -ComputerName nowhere.invalid -SshConfigPath $server.Config -Interval 0.2
        Wait-Fact { $job.Output.Count -ge 2 } | Should -BeTrue
        $status = Receive-Job $job | Select-Object -First 2
        $status.IsConnected | Should -Not -Contain $true
        $status[0].Error | Should -Match 'not known|not answer'
        Remove-Job $job -Force
    }
}

Describe 'Start-Monitor' {
    BeforeEach {
        Set-NvmlScene 'gpus 2'
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach { Get-Job | Remove-Job -Force }

    It 'returns a job that Get-, Receive-, Wait-, Stop- and Remove-Job know' {
        $job = Start-Monitor -Interval 0.05 -Name watch
        $job | Should -BeOfType System.Management.Automation.Job2
        (Get-Job watch).Id | Should -Be $job.Id
        (Get-Job -State Running).Name | Should -Contain watch
        Wait-Fact { $job.Output.Count -ge 6 } | Should -BeTrue
        (Get-Job watch).HasMoreData | Should -BeTrue
        # PowerShell counts what there is and copies it in two steps, between which a sample may come.
        Wait-Fact { try { $script:kept = Receive-Job watch -Keep; $true } catch [ArgumentException] { $false } } | Should -BeTrue
        $script:kept.Count | Should -BeGreaterOrEqual 6
        (Receive-Job watch)[0].Sequence | Should -Be $script:kept[0].Sequence
        Wait-Job watch -Timeout 1 | Should -BeNullOrEmpty
        Stop-Job watch
        (Wait-Job watch).State | Should -Be Stopped
        Remove-Job watch
        Get-Job | Should -BeNullOrEmpty
    }

    It 'gives samples in order without gaps, of the kinds that were asked for' {
        $job = Start-Monitor Gpu -Interval 0.02
        Wait-Fact { $job.Output.Count -ge 40 } | Should -BeTrue
        Stop-Monitor $job.Name
        $samples = Receive-Job $job
        $samples.Sequence | Should -Be (1..$samples.Count)
        $samples | Should -BeOfType RobustTrain.Monitoring.Status.GpuStatus
        $samples[-1].UtilizationPercentMean | Should -Be 10
    }

    It 'streams with Receive-Job -Wait' {
        $job = Start-Monitor -Interval 0.02
        (Receive-Job $job -Wait | Select-Object -First 10).Count | Should -Be 10
        $job.State | Should -Be Running
    }

    It 'shows its samples in a terminal of 80 columns as they come: <Kind>' -ForEach @(
        @{ Kind = 'Gpu'; Rows = 'Host +GPU +Name.*\n-+ .*\n(.*Simulated GPU.*\n(.*80GB.*\n)?){6}' }
        @{ Kind = 'Gpu, Cpu'; Rows = 'Host +Device +Util %.*\n-+ .*\n(.* (GPU 0|GPU 1|CPU) .*\n){8}' }
    ) {
        # The job never ends by itself: whatever is on the screen was shown while it ran.
        $shown = Show-InTerminal "Import-Module '$(Get-ModulePath)'; Receive-Job (Start-Monitor $Kind -Source simulated:2 -Interval 0.2) -Wait" -Until $Rows
        $shown | Should -Match $Rows
        ($shown -split "`n").Length | Sort-Object | Select-Object -Last 1 | Should -BeLessOrEqual 80
    }

    It 'keeps Receive-Job -Wait going while samples come from several threads' {
        $shell = [powershell]::Create()
        $running = $shell.AddScript(@"
            Import-Module '$(Get-ModulePath)'
            1..5 | ForEach-Object { @(Receive-Job (Start-Monitor -Source simulated:2 -Interval 0.002) -Wait | Select-Object -First 200).Count }
"@).BeginInvoke()
        $running.AsyncWaitHandle.WaitOne([TimeSpan]::FromSeconds(60)) | Should -BeTrue
        $shell.EndInvoke($running) | Should -Be 200, 200, 200, 200, 200
        $shell.Dispose()
    }

    It 'ends Receive-Job -Wait when it is stopped' {
        $job = Start-Monitor -Interval 0.02
        $runspace = [runspacefactory]::CreateRunspace()
        $runspace.Open()
        $shell = [powershell]::Create($runspace)
        $running = $shell.AddScript('param($job) Receive-Job $job -Wait').AddArgument($job).BeginInvoke()
        Stop-Job $job
        $shell.EndInvoke($running) | Out-Null
        $shell.InvocationStateInfo.State | Should -Be Completed
        $shell.Dispose()
        $runspace.Dispose()
    }

    It 'holds the newest records only, and counts those that it dropped' {
        $job = Start-Monitor Gpu -Interval 0.01 -OutputLimit 5
        Wait-Fact { $job.Dropped -ge 20 } | Should -BeTrue
        Stop-Monitor $job.Name
        $samples = Receive-Job $job
        $samples.Count | Should -Be 5
        $samples[0].Sequence | Should -Be ($job.Dropped + 1)
    }

    It 'appends records to a file as JSON' {
        $path = Join-Path $TestDrive samples.ndjson
        $job = Start-Monitor -Interval 0.02 -OutputPath $path
        Wait-Fact { $job.Output.Count -ge 10 } | Should -BeTrue
        Stop-Monitor $job.Name
        $lines = Get-Content $path | ConvertFrom-Json
        $lines.Sequence | Should -Be (1..$lines.Count)
        $lines.Kind | Sort-Object -Unique | Should -Be Cpu, Gpu
    }

    It 'raises an alert once, as a record of its output, and clears it' {
        $job = Start-Monitor Gpu -Interval 0.02 -Alert 'TemperatureCelsius > 85 for 100ms'
        Set-NvmlScene 'gpus 2; temperature 1 92'
        $raised = { @($job.Output).Where({ $_.PSObject.BaseObject -is [RobustTrain.Monitoring.Status.MonitorAlert] }).Count }
        Wait-Fact { (& $raised) -ge 1 } | Should -BeTrue
        Set-NvmlScene 'gpus 2'
        Wait-Fact { (& $raised) -ge 2 } | Should -BeTrue
        Stop-Monitor $job.Name
        $job.Warning | Should -BeNullOrEmpty -Because 'Receive-Job would show it twice'
        $alerts = Receive-Job $job | Where-Object { $_ -is [RobustTrain.Monitoring.Status.MonitorAlert] }
        $alerts.State | Should -Be Raised, Cleared
        $alerts[0].Index | Should -Be 1
        $alerts[0].Value | Should -Be 92
        $alerts | Out-String -Width 200 | Should -Match '\d\d:\d\d:\d\d Raised .* GPU 1: TemperatureCelsius is 92'
    }

    It 'shares its name with another as any job may, and both are found by it' {
        $jobs = foreach ($time in 1, 2) { Start-Monitor Cpu -Name twin -Interval 1 }
        (Get-Monitor twin).Id | Should -Be $jobs.Id
        (Get-Monitor -Id $jobs[1].Id).Id | Should -Be $jobs[1].Id
        Stop-Monitor twin
        Wait-Fact { $jobs.State -eq 'Stopped' } | Should -BeTrue
    }

    It 'tells changes of connection in the debug stream' {
        $job = Start-Monitor Gpu -Interval 0.02
        $hostName = [Environment]::MachineName
        Wait-Fact { $job.Debug.Count -ge 2 } | Should -BeTrue
        $job.Debug.Message | Should -Be "$hostName GPU 0: connected", "$hostName GPU 1: connected"
        Set-NvmlScene 'gpus 2; lost 1'
        Wait-Fact { $job.Debug.Count -ge 3 } | Should -BeTrue
        $seen = $job.SamplesTaken
        Wait-Fact { $job.SamplesTaken -ge $seen + 5 } | Should -BeTrue
        $job.Debug.Count | Should -Be 3 -Because 'a change is told once'
        $job.Debug[2].Message | Should -Match "^$hostName GPU 1: .*lost"
    }

    It 'says once, and not at each tick, that a host has no GPUs' {
        $env:ROBUSTTRAIN_NVML, $stub = '/nowhere/libnvidia-ml.so.1', $env:ROBUSTTRAIN_NVML
        try {
            $job = Start-Monitor -Interval 0.02 -Source nvml
            Wait-Fact { $job.Output.Count -ge 10 } | Should -BeTrue
            Stop-Monitor $job.Name
            $gpus = @(Receive-Job $job | Where-Object { $_ -is [RobustTrain.Monitoring.Status.GpuStatus] })
            $gpus.Count | Should -Be 1
            $gpus[0].Error | Should -Match 'NVML was not found'
        }
        finally { $env:ROBUSTTRAIN_NVML = $stub }
    }

    It 'refuses, and starts nothing: <Text>' -ForEach @(
        @{ Text = 'Start-Monitor -Interval 0'; Id = 'IntervalOutOfRange' }
        @{ Text = 'Start-Monitor -Interval -1'; Id = 'IntervalOutOfRange' }
        @{ Text = 'Start-Monitor -WindowSize 0'; Id = 'WindowSizeOutOfRange' }
        @{ Text = 'Start-Monitor -Timeout 0'; Id = 'TimeoutOutOfRange' }
        @{ Text = 'Start-Monitor -OutputPath /nowhere/at/all'; Id = 'OutputFolderNotFound' }
        @{ Text = 'Start-Monitor -OutputPath /proc'; Id = 'OutputNotWritable' }
        @{ Text = 'Start-Monitor -ComputerName "-oProxyCommand=x"'; Id = 'HostNameInvalid' }
        @{ Text = 'Start-Monitor Cpu -Alert "PowerWatts > 300"'; Id = 'AlertNotWatched' }
        @{ Text = 'Start-Monitor Gpu -Alert "LoadAverage1 > 3"'; Id = 'AlertNotWatched' }
        @{ Text = 'Start-Monitor Cpu -Source nvml'; Id = 'SourceWithoutEffect' }
        @{ Text = 'Start-Monitor -ComputerName gpu01 -Source nvml'; Id = 'SourceWithoutEffect' }
        @{ Text = 'Start-Monitor Gpu -IncludeCore'; Id = 'IncludeCoreWithoutEffect' }
        @{ Text = '@() | Start-Monitor'; Id = 'NothingToWatch' }
        @{ Text = 'Start-Monitor -Alert "TemperaturCelsius > 3"'; Id = 'CannotConvertArgumentNoMessage' }
    ) {
        { Invoke-Expression "$Text -ErrorAction Stop" } | Should -Throw -ErrorId "$Id,*"
        Get-Job | Should -BeNullOrEmpty
    }
}

Describe 'Get-Monitor and Stop-Monitor' {
    BeforeEach { Set-NvmlScene 'gpus 2' }
    AfterEach { Get-Job | Remove-Job -Force }

    It 'tell the monitors with their health' {
        $job = Start-Monitor -Interval 0.02 -Name health
        Wait-Fact { $job.SamplesTaken -ge 4 } | Should -BeTrue
        $found = Get-Monitor heal*
        $found.Health.Source | Sort-Object | Should -Be '/proc', 'NVML'
        $found.Connected | Should -Be 2
        $found.CpuMilliseconds | Should -BeGreaterThan 0
        $found | Out-String -Width 200 | Should -Match 'Id +Name +State +Kind +Hosts +Every +Up +Samples +Lost +Dropped'
        ($found.Health | ConvertTo-Json -WarningAction Ignore | ConvertFrom-Json)[0].SamplesTaken | Should -BeGreaterThan 0
    }

    It 'find by name, id and object, and stop only what was meant' {
        $one, $two, $three = 'one', 'two', 'three' | ForEach-Object { Start-Monitor -Interval 1 -Name $_ }
        Stop-Monitor one
        Stop-Monitor -Id $two.Id
        ($three | Stop-Monitor -PassThru).Name | Should -Be three
        (Get-Monitor).State | Should -Be Stopped, Stopped, Stopped
    }

    It 'stop nothing under -WhatIf' {
        $job = Start-Monitor -Interval 1 -Name kept
        Stop-Monitor kept -WhatIf
        $job.State | Should -Be Running
    }

    It 'name the nearest where one is not known' {
        Start-Monitor -Interval 1 -Name cluster | Out-Null
        Stop-Monitor clustr -ErrorVariable missing -ErrorAction SilentlyContinue
        $missing[0].FullyQualifiedErrorId | Should -BeLike 'MonitorNotFound,*'
        $missing[0].Exception.Message | Should -Match 'Did you mean cluster\?'
        Get-Monitor -Id 99999 -ErrorVariable missing -ErrorAction SilentlyContinue
        $missing[0].CategoryInfo.Category | Should -Be ObjectNotFound
    }

    It 'complete the monitors'' names' {
        Start-Monitor -Interval 1 -Name completed | Out-Null
        (TabExpansion2 'Stop-Monitor ').CompletionMatches.CompletionText | Should -Be completed
    }
}
