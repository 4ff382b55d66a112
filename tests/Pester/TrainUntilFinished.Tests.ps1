# scripts/Invoke-TrainingUntilFinished.ps1 with the real trainer, which is killed.

Describe 'A scheduled script whose training is killed' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
        $root = Split-Path (Split-Path $PSScriptRoot)
        New-SampleDataset (Join-Path $TestDrive data) | Out-Null
        $run = Join-Path $TestDrive night
        $log = Join-Path $TestDrive log
        $settings = "data.path=$TestDrive/data", 'threads=1', 'data.crop_size=32', 'loader.batch_size=64', 'loader.eval_batch_size=1', 'model.base_channels=2',
            'data.validation_scenes=[Szada/4,Szada/5,Szada/6,Szada/7,Tiszadob/5]', 'trainer.log_interval_seconds=0', 'checkpoint.every_steps=10', 'loader.num_workers=1', 'schedule.warmup_steps=0'
        $list = ($settings | ForEach-Object { "'$_'" }) -join ','
        $shell = Start-TestShell "& '$root/scripts/Invoke-TrainingUntilFinished.ps1' -ConfigPath '$root/samples/demo.yaml' -RunPath '$run' -RetrySeconds 0 -Set $list; exit `$LASTEXITCODE" $log

        # Twice, each time a new process that has trained for a while.
        $killed = @()
        foreach ($time in 1, 2) {
            $isTraining = Wait-Fact -Seconds 240 {
                $now = @(Get-TrainingRun $run -History -ErrorAction Ignore)[-1]
                $now -and $now.State -eq 'Running' -and $now.ProcessId -notin $killed -and $null -ne $now.LastStep
            }
            $isTraining | Should -BeTrue -Because (Get-Content $log -Raw)
            $killed += @(Get-TrainingRun $run -History)[-1].ProcessId
            Stop-Process -Id $killed[-1] -Force
        }

        $shell.WaitForExit(300000) | Should -BeTrue
    }

    AfterAll {
        if (-not $shell.HasExited) { $shell.Kill($true) }
    }

    It 'goes on until it exits with 0' {
        $shell.ExitCode | Should -Be 0 -Because (Get-Content $log -Raw)
        (Get-TrainingRun $run).State | Should -Be Finished
        Get-Content $log -Raw | Should -Match "Attempt 1 ended with exit code $($IsWindows ? -1 : 137); going on"
        Get-Leftover $run | Should -BeNullOrEmpty
    }

    It 'has a story that tells each interruption' {
        (Get-TrainingRun $run).Interruptions | Should -Be 2
        $story = Get-TrainingRun $run -History
        $story.Attempt | Should -Be 1, 2, 3
        $story.State | Should -Be Interrupted, Interrupted, Finished
        $story.ProcessId[0, 1] | Should -Be $killed
        $story[2].ExitCode | Should -Be 0
        $story[0].ExitCode | Should -BeNullOrEmpty
        $story[0].EndTime | Should -BeGreaterThan $story[0].StartTime
        $story[1].StartTime | Should -BeGreaterThan $story[0].EndTime
        $story[2].LastStep | Should -BeGreaterThan $story[0].LastStep
    }

    It 'shows the story as a table' {
        $table = Get-TrainingRun $run -History | Out-String -Width 200
        $table | Should -Match 'Attempt State +StartTime +EndTime +LastStep Exit Error'
        $table | Should -Match '1 Interrupted'
        $table | Should -Match '3 Finished'
    }
}
