# Register-, Get- and Unregister-TrainingTask with stubs in the place of the machine's schedulers. Real ones are in tests/Unit/Scripts/SchedulerTests.cs.

Describe 'A training task' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        $path = $env:PATH
        $WarningPreference = 'SilentlyContinue'
        # Every file that stands where a scheduler keeps something.
        function Get-Kept { @(Get-ChildItem -Recurse -File $bin, $units | Where-Object Extension -notin '.calls', '.new' | ForEach-Object { $_.FullName, (Get-FileHash $_.FullName).Hash }) }
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        $bin = New-Item -ItemType Directory (Join-Path $folder bin)
        $units = New-Item -ItemType Directory (Join-Path $folder units)
        Copy-Item (Join-Path (Split-Path $PSScriptRoot) scheduler-stubs/*) $bin
        $env:PATH = "${bin}:$path"
        $env:SYSTEMD_UNIT_PATH = $units
        Use-FakeHost @{ EPOCH_SECONDS = 0.1; EPOCHS = 200; CALLS = Join-Path $folder calls }
        Push-Location $folder
        Set-Content my.yaml ''
    }

    AfterEach {
        Pop-Location
        $env:PATH = $path
        Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
    }

    AfterAll {
        Remove-Item env:SYSTEMD_UNIT_PATH
        Use-RealHost
    }

    Context 'of <_>' -ForEach 'Systemd', 'Cron', 'TaskScheduler' {
        BeforeEach { $scheduler = $_ }

        It 'is registered, listed and unregistered without a trace' {
            $before = Get-Kept
            $task = Register-TrainingTask nightly my.yaml runs/night -At 20:30 -Hours 10 -Set @{ seed = 3; data = @{ mean = 0.5, 0.5 } } -Scheduler $scheduler
            $task.PSTypeNames[0] | Should -Be RobustTrain.Runs.Scheduling.TrainingTask
            $task.Name, $task.Scheduler, $task.State, "$($task.At)", $task.Hours | Should -Be nightly, $scheduler, Ready, ([TimeOnly] '20:30').ToString(), 10
            $task.ConfigurationPath, $task.RunPath, $task.WorkingFolder | Should -Be "$PWD/my.yaml", "$PWD/runs/night", "$PWD"
            $task.Settings | Sort-Object | Should -Be 'data.mean=[0.5, 0.5]', 'seed=3'
            $task.NextRun | Should -BeOfType datetime
            (Get-TrainingTask | ConvertTo-Json) | Should -Be ($task | ConvertTo-Json)
            Get-TrainingTask | Unregister-TrainingTask
            Get-TrainingTask | Should -BeNullOrEmpty
            Get-Kept | Should -Be $before
        }

        It 'is shown whole under -WhatIf, and not registered' {
            $before = Get-Kept
            $shown = Register-TrainingTask nightly my.yaml runs/night -Scheduler $scheduler -WhatIf 6>&1 | Out-String
            Get-Kept | Should -Be $before
            Get-TrainingTask | Should -BeNullOrEmpty
            Register-TrainingTask nightly my.yaml runs/night -Scheduler $scheduler | Out-Null
            $written = switch ($scheduler) {
                Systemd { Get-ChildItem $units | ForEach-Object { Get-Content $_ } }
                Cron { Get-Content "$bin/crontab.tab" }
                TaskScheduler { Get-Content "$bin/schtasks.tasks/RobustTrain-nightly" }
            }
            foreach ($line in $written) { $shown | Should -BeLike "*$([WildcardPattern]::Escape($line))*" }
        }

        It 'is left as it was, or not at all, where the scheduler refuses' {
            $refuses = Join-Path $bin "$(@{ Systemd = 'systemctl'; Cron = 'crontab'; TaskScheduler = 'schtasks' }[$scheduler]).refuses"
            Set-Content $refuses ''
            $before = Get-Kept
            Register-TrainingTask nightly my.yaml runs/night -Scheduler $scheduler -ErrorVariable refused -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $refused[0].FullyQualifiedErrorId | Should -BeLike 'SchedulerRefused,*'
            $refused[0].Exception.Message | Should -Match 'refused with exit code 1: .*(denied|install)'
            Get-Kept | Should -Be $before
        }

        It 'is replaced with -Force only' {
            Register-TrainingTask nightly my.yaml runs/night -Scheduler $scheduler | Out-Null
            Register-TrainingTask nightly my.yaml runs/night -Hours 2 -Scheduler $scheduler -ErrorVariable there -ErrorAction SilentlyContinue
            $there[0].FullyQualifiedErrorId | Should -BeLike 'TrainingTaskExists,*'
            $there[0].Exception.Message | Should -Be "There is a task 'nightly' already ($scheduler, 22:00); -Force replaces it."
            (Get-TrainingTask).Hours | Should -Be 8
            (Register-TrainingTask nightly my.yaml runs/night -Hours 2 -Scheduler $scheduler -Force).Hours | Should -Be 2
            @(Get-TrainingTask).Hours | Should -Be 2
        }
    }

    Context 'by Register-TrainingTask' {
        It 'is cron''s where systemd is not at work' -Skip:(Test-Path /run/systemd/system) {
            (Register-TrainingTask nightly my.yaml runs/night).Scheduler | Should -Be Cron
        }

        It 'is refused on a machine without a scheduler' {
            $env:PATH = '/nowhere'
            Register-TrainingTask nightly my.yaml runs/night -ErrorVariable none -ErrorAction SilentlyContinue
            $none[0].FullyQualifiedErrorId | Should -BeLike 'SchedulerNotFound,*'
            $none[0].CategoryInfo.Category | Should -Be ObjectNotFound
            Register-TrainingTask nightly my.yaml runs/night -Scheduler TaskScheduler -ErrorVariable none -ErrorAction SilentlyContinue
            $none[0].Exception.Message | Should -Be '-Scheduler TaskScheduler is not on this machine: there is no schtasks on the path.'
        }

        It 'has its configuration and run checked by the executable first' {
            Register-TrainingTask nightly my.yaml runs/night -Set seed=3 -Scheduler Cron | Out-Null
            Get-LastCall | Should -Be "config check $PWD/my.yaml --set seed=3 --run-path $PWD/runs/night --resume auto --events --life-line"
            $env:FAKE_END = 'invalid'
            $before = Get-Kept
            Register-TrainingTask other my.yaml runs/other -Scheduler Cron -ErrorVariable wrong -ErrorAction SilentlyContinue
            $wrong | Should -Not -BeNullOrEmpty
            Get-Kept | Should -Be $before
        }

        It 'is refused and nothing is asked of anybody: <Said>' -ForEach @(
            @{ Given = @{ Name = 'a b' }; Id = 'TrainingTaskNameInvalid'; Said = "-Name 'a b' is no name for a task*" }
            @{ Given = @{ ConfigPath = 'none.yaml' }; Id = 'ConfigurationNotFound'; Said = "*none.yaml' doesn't exist." }
            @{ Given = @{ RunPath = 'my.yaml' }; Id = 'RunPathIsFile'; Said = '*is a file*' }
            @{ Given = @{ RunPath = "a`nb" }; Id = 'TrainingTaskPathInvalid'; Said = '*control character*' }
            @{ Given = @{ Wake = $true }; Id = 'TrainingTaskCannotWake'; Said = '-Wake*cron*' }
            @{ Given = @{ Credential = [pscredential]::new('me', (ConvertTo-SecureString x -AsPlainText)) }; Id = 'TrainingTaskCredentialUnused'; Said = '-Credential is for Task Scheduler*' }
        ) {
            $all = @{ Name = 'nightly'; ConfigPath = 'my.yaml'; RunPath = 'runs/night'; Scheduler = 'Cron' }
            foreach ($key in $Given.Keys) { $all[$key] = $Given[$key] }
            $before = Get-Kept
            Register-TrainingTask @all -ErrorVariable refused -ErrorAction SilentlyContinue
            $refused[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
            $refused[0].Exception.Message | Should -BeLike $Said
            Get-Kept | Should -Be $before
            Join-Path $folder calls | Should -Not -Exist
        }

        It 'takes a time of the day as <_>' -ForEach '6:05', '06:05', ([datetime] '2026-03-04 06:05:59'), ([timespan] '06:05:59'), ([TimeOnly] '06:05') {
            (Register-TrainingTask nightly my.yaml runs/night -At $_ -Scheduler Cron).At | Should -Be ([TimeOnly] '06:05')
        }

        It 'refuses the time <_>' -ForEach '25:00', 'noon', '22:00:30', ([timespan] '1.00:00') {
            { Register-TrainingTask nightly my.yaml runs/night -At $_ -Scheduler Cron } | Should -Throw '*is no time of the day; expected hours and minutes, as 22:00.'
        }

        It 'refuses a window of <_> hours' -ForEach 0, 25 {
            { Register-TrainingTask nightly my.yaml runs/night -Hours $_ -Scheduler Cron } | Should -Throw
        }

        It 'hands Task Scheduler its logon, and that it wakes the machine' {
            Register-TrainingTask nightly my.yaml runs/night -Wake -LoggedOff -Scheduler TaskScheduler | Out-Null
            $xml = [xml] ((Get-Content -Raw "$bin/schtasks.tasks/RobustTrain-nightly") -replace 'UTF-16', 'UTF-8')
            $xml.Task.Settings.WakeToRun, $xml.Task.Principals.Principal.LogonType | Should -Be true, S4U
            $xml.Task.Actions.Exec.Arguments | Should -BeLike "*-File $(Split-Path (Get-ModulePath))/scripts/Invoke-TrainingUntilFinished.ps1 -ConfigPath *"
            $credential = [pscredential]::new('LAB\operator', (ConvertTo-SecureString 'pass word' -AsPlainText))
            $task = Register-TrainingTask nightly my.yaml runs/night -Credential $credential -Scheduler TaskScheduler -Force
            $task.LoggedOff | Should -BeTrue
            (Get-Content "$bin/schtasks.calls").Where({ $_ -like '/create*' })[-1] | Should -BeLike '*/ru LAB\operator /rp pass word /f'
            Get-Content -Raw "$bin/schtasks.tasks/RobustTrain-nightly" | Should -Not -Match 'pass word'
        }

        It 'takes a configuration from the pipeline, and a run in its place' {
            Test-TrainingConfig my.yaml | Register-TrainingTask nightly -RunPath runs/night -Scheduler Cron | ForEach-Object ConfigurationPath | Should -Be "$PWD/my.yaml"
            Start-Training -RunPath r -Epochs 1 -InformationAction Ignore | Out-Null
            Set-Content r/config.yaml ''
            (Get-TrainingRun r | Register-TrainingTask again -Scheduler Cron).ConfigurationPath | Should -Be "$PWD/r/config.yaml"
            (Get-TrainingTask again).RunPath | Should -Be "$PWD/r"
        }

        It 'warns where no cron is running' -Skip:([bool] (Get-Process cron, crond -ErrorAction Ignore)) {
            Register-TrainingTask nightly my.yaml runs/night -Scheduler Cron -WarningVariable told | Out-Null
            $told.Message | Should -BeLike 'No cron is running*'
        }
    }

    Context 'by Get-TrainingTask' {
        BeforeEach {
            Register-TrainingTask nightly my.yaml runs/night -Scheduler Cron | Out-Null
            Register-TrainingTask weekly my.yaml runs/week -Scheduler Systemd | Out-Null
        }

        It 'is found by name, pattern and scheduler' {
            (Get-TrainingTask).Name | Sort-Object | Should -Be nightly, weekly
            (Get-TrainingTask n*).Name | Should -Be nightly
            (Get-TrainingTask NIGHTLY).Name | Should -Be nightly
            (Get-TrainingTask -Scheduler Systemd).Name | Should -Be weekly
            (Get-TrainingTask weekly | Get-TrainingTask).Name | Should -Be weekly
            Get-TrainingTask none* | Should -BeNullOrEmpty
        }

        It 'is answered by the nearest name where there is none' {
            Get-TrainingTask nigthly -ErrorVariable missing -ErrorAction SilentlyContinue
            $missing[0].FullyQualifiedErrorId | Should -BeLike 'TrainingTaskNotFound,*'
            $missing[0].Exception.Message | Should -Be "There is no task 'nigthly'; did you mean 'nightly'?"
        }

        It 'is Finished when its run is, and Running while it is at work' {
            Start-Training -RunPath runs/week -Epochs 1 -InformationAction Ignore | Out-Null
            (Get-TrainingTask weekly).State | Should -Be Finished
            Start-Training -RunPath runs/night -Detach | Out-Null
            (Get-TrainingTask nightly).State | Should -Be Running
            (Get-TrainingTask nightly | Get-TrainingRun).State | Should -Be Running
            Stop-Training runs/night
        }

        It 'fits 80 columns, and as a list ten lines' {
            $lines = (Get-TrainingTask | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Trim() })
            $lines[0] | Should -Match '^Name +Scheduler +State +At +Hours +NextRun +RunPath$'
            $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
            $lines[2] | Should -Match '^(nightly +Cron|weekly +Systemd) +Ready +22:00 +8 +\d\d-\d\d \d\d:\d\d '
            (Get-TrainingTask nightly | Format-List | Out-String -Width 500).Split([Environment]::NewLine).Where({ $_.Trim() }).Count | Should -BeLessOrEqual 10
        }

        It 'completes names' {
            (TabExpansion2 'Unregister-TrainingTask ni').CompletionMatches.CompletionText | Should -Be nightly
            (TabExpansion2 'Get-TrainingTask -Name w').CompletionMatches.CompletionText | Should -Be weekly
        }
    }

    Context 'by Unregister-TrainingTask' {
        BeforeEach { Register-TrainingTask nightly my.yaml runs/night -Scheduler Cron | Out-Null }

        It 'stays under -WhatIf' {
            Unregister-TrainingTask nightly -WhatIf
            (Get-TrainingTask).Name | Should -Be nightly
        }

        It 'is told to be missing, and the others go' {
            Unregister-TrainingTask other, nightly -ErrorVariable missing -ErrorAction SilentlyContinue
            $missing[0].FullyQualifiedErrorId | Should -BeLike 'TrainingTaskNotFound,*'
            Get-TrainingTask | Should -BeNullOrEmpty
        }

        It 'leaves a training at work alone, and says so' {
            Start-Training -RunPath runs/night -Detach | Out-Null
            Unregister-TrainingTask nightly -WarningVariable told -Confirm:$false
            $told.Message | Should -BeLike "*'nightly' is taken away, but its training goes on; stop it by: Stop-Training $PWD/runs/night"
            (Get-TrainingRun runs/night).State | Should -Be Running
            Stop-Training runs/night
        }

        It 'stops its training with a checkpoint under -Stop' {
            Start-Training -RunPath runs/night -Detach | Out-Null
            Get-TrainingTask nightly | Unregister-TrainingTask -Stop | Should -BeNullOrEmpty
            Get-TrainingTask | Should -BeNullOrEmpty
            (Get-TrainingRun runs/night).State | Should -Be Stopped
            (Get-TrainingRun runs/night).ExitCode | Should -Be 75
        }
    }

    Context 'of Task Scheduler at work (Invoke-TrainingUntilFinished.ps1)' {
        BeforeAll { $script = Join-Path (Split-Path (Get-ModulePath)) scripts/Invoke-TrainingUntilFinished.ps1 }

        It 'is stopped with a checkpoint at the end of its window, and not started again' {
            $shell = Start-TestShell "& '$script' -ConfigPath my.yaml -RunPath '$folder/night' -At ([datetime]::Now.AddHours(-1).AddSeconds(10).TimeOfDay) -Hours 1 -LogPath '$folder/night.log'; exit `$LASTEXITCODE" "$folder/out"
            $shell.WaitForExit(300000) | Should -BeTrue
            $shell.ExitCode | Should -Be 75 -Because (Get-Content -Raw out)
            $run = Get-TrainingRun night
            $run.State, $run.ExitCode, $run.Attempts | Should -Be Stopped, 75, 1
            Get-Content -Raw night.log | Should -Match 'TrainLoss'
        }

        It 'is not started outside of its window' {
            $shell = Start-TestShell "& '$script' -ConfigPath my.yaml -RunPath '$folder/night' -At ([datetime]::Now.AddHours(-2).TimeOfDay) -Hours 1; exit `$LASTEXITCODE" "$folder/out"
            $shell.WaitForExit(300000) | Should -BeTrue
            $shell.ExitCode | Should -Be 0
            Get-Content -Raw out | Should -Match 'outside of the window'
            Join-Path $folder night | Should -Not -Exist
        }

        It 'ends with the code of a training that needs a person' {
            $env:FAKE_END = 'data'
            $shell = Start-TestShell "& '$script' -ConfigPath my.yaml -RunPath '$folder/night' -At ([datetime]::Now.AddHours(-1).TimeOfDay) -Hours 23; exit `$LASTEXITCODE" "$folder/out"
            $shell.WaitForExit(300000) | Should -BeTrue
            $shell.ExitCode | Should -Be 3
            Get-Content -Raw out | Should -Match '3 of 10 samples are unreadable'
        }
    }
}
