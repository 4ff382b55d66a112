Describe 'Stop-Training' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.1; EPOCHS = 200 }
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach {
        Pop-Location
        Get-Job | Remove-Job -Force
        Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
    }

    AfterAll { Use-RealHost }

    Context 'of a run' {
        It 'stops a detached run by a signal, with a checkpoint, and waits for it' {
            $run = Start-Training -RunPath r -Detach
            Stop-Training r | Should -BeNullOrEmpty
            (Get-TrainingRun r).State | Should -Be Stopped
            (Get-TrainingRun r).ExitCode | Should -Be 75
            Get-Process -Id $run.ProcessId -ErrorAction Ignore | Should -BeNullOrEmpty
        }

        It 'stops a job of this shell through the job' {
            $job = Start-Training -RunPath r -AsJob
            Wait-Fact { $job.Output.Count } | Should -BeTrue
            Stop-Training r
            Wait-Fact { $job.State -eq 'Stopped' } | Should -BeTrue
        }

        It 'takes runs from the pipeline' {
            1..2 | ForEach-Object { Start-Training -RunPath "r$_" -Detach } | Out-Null
            Get-TrainingRun -State Running | Stop-Training
            (Get-TrainingRun).State | Should -Be Stopped, Stopped
        }

        It 'writes the run as it stands afterwards under -PassThru' {
            Start-Training -RunPath r -Detach | Out-Null
            (Stop-Training r -PassThru).State | Should -Be Stopped
        }

        It 'stops nothing under -WhatIf' {
            Start-Training -RunPath r -Detach | Out-Null
            Stop-Training r -WhatIf
            (Get-TrainingRun r).State | Should -Be Running
            Stop-Training r
        }

        It 'says that a run which does not run has nothing to stop, and sends nothing' {
            Start-Training -RunPath r -Epochs 1 | Out-Null
            Stop-Training r -WarningVariable warnings -PassThru | ForEach-Object State | Should -Be Finished
            $warnings.Message | Should -BeLike "*$(Join-Path $PWD r)*is not running (finished)*"
        }

        It 'sends no signal to a process that only has the same id' {
            $stranger = $IsWindows ? (Start-Process ping -ArgumentList '-n', 60, '127.0.0.1' -NoNewWindow -PassThru) : (Start-Process sleep 60 -PassThru)
            try {
                Start-Training -RunPath r -Epochs 1 | Out-Null
                $record = Get-Content r/run.json -Raw
                $record = $record -replace '"start":"([^"]*)"', '"start":"${1}0"' -replace '"process_id":\d+', """process_id"":$($stranger.Id)" -replace '"state":"\w+"', '"state":"running"'
                Set-Content r/run.json $record
                (Get-TrainingRun r).State | Should -Be Interrupted
                Stop-Training r
                Stop-Training r -Force
                $stranger.HasExited | Should -BeFalse
            }
            finally { $stranger.Kill() }
        }

        It 'tells of a trainer that does not stop in -TimeoutSeconds, and ends it with -Force' {
            $env:FAKE_END = 'deaf'
            Start-Training -RunPath r -Detach | Out-Null
            Stop-Training r -TimeoutSeconds 1 -ErrorVariable late -ErrorAction SilentlyContinue
            $late[0].FullyQualifiedErrorId | Should -BeLike 'TrainingNotStopped,*'
            (Get-TrainingRun r).State | Should -Be Running
            (Stop-Training r -Force -PassThru).State | Should -Be Interrupted
        }

        It 'goes on with the others where a folder holds no run' {
            Start-Training -RunPath r -Detach | Out-Null
            Stop-Training nowhere, r -ErrorVariable missing -ErrorAction SilentlyContinue
            $missing[0].FullyQualifiedErrorId | Should -BeLike 'RunNotFound,*'
            (Get-TrainingRun r).State | Should -Be Stopped
        }

        It 'leaves a run of another computer to that computer' {
            Start-Training -RunPath r -Epochs 1 | Out-Null
            $record = (Get-Content r/run.json -Raw) -replace '"host":"[^"]*"', '"host":"elsewhere"' -replace '"state":"\w+"', '"state":"running"'
            Set-Content r/run.json $record
            Stop-Training r -ErrorVariable refused -ErrorAction SilentlyContinue
            $refused[0].FullyQualifiedErrorId | Should -BeLike 'RunOnAnotherComputer,*'
            $refused[0].Exception.Message | Should -BeLike '*elsewhere*'
        }
    }
}
