# Every way in which a shell, a runspace or a pipeline can go, and what is left of its trainers: nothing.
Describe 'Teardown' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-Module (Join-Path $PSScriptRoot 'TerminalSupport.psm1') -Force
        # The sources of Get-GpuStatus that earlier tests opened stay open as long as there is the module.
        Remove-Module RobustTrain -ErrorAction Ignore
        Import-ModuleUnderTest

        function Get-ThreadCount { [Diagnostics.Process]::GetCurrentProcess().Threads.Count }
        function Get-BoundCount { [RobustTrain.Cmdlets.Lifetime.RunspaceLifetime]::Everything.Count }
        function Get-Child { @([IO.Directory]::GetDirectories("/proc/$PID/task").ForEach({ [IO.File]::ReadAllText("$_/children") })).ForEach({ "$_".Trim() }).Where({ $_ }) }

        # A shell of its own in the middle of a training, and the training's process.
        function Start-TrainingShell {
            param([string] $Script)
            $shell = Start-TestShell "Set-Location '$folder'`n`$WarningPreference = 'Ignore'`n$Script" "$TestDrive/output-$(Split-Path -Leaf $folder).txt"
            Wait-Fact { Test-Path "$folder/r/run.json" } | Should -BeTrue -Because (Get-ShellOutput)
            [pscustomobject]@{ Shell = $shell; Trainer = (Get-TrainingRun "$folder/r").ProcessId }
        }

        function Get-ShellOutput { Get-Content -Raw "$TestDrive/output-$(Split-Path -Leaf $folder).txt" -ErrorAction Ignore }

        # No process of the test's folder is left, and the run says that it stopped with a checkpoint.
        function Assert-StoppedAndGone {
            Wait-Fact { -not (Get-Leftover "$folder/") } | Should -BeTrue -Because 'no process may be left'
            @(Get-Leftover "$folder/").Count | Should -Be 0
            (Get-TrainingRun "$folder/r").State | Should -Be Stopped
            (Get-TrainingRun "$folder/r").ExitCode | Should -Be 75
        }
    }

    BeforeEach {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))).FullName
        Push-Location $folder
        Use-FakeHost @{ EPOCHS = 500; EPOCH_SECONDS = 0.1 }
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach {
        Pop-Location
        Get-Job | Remove-Job -Force
    }

    AfterAll { Use-RealHost }

    Context 'of a shell that <How>' -ForEach @(
        @{ How = 'gets Ctrl+C'; Signal = 'INT' }
        @{ How = 'is killed with -9'; Signal = 'KILL' }
        @{ How = 'gets SIGTERM'; Signal = 'TERM' }
        @{ How = 'loses its terminal (SIGHUP)'; Signal = 'HUP' }
    ) {
        It 'stops its training with a checkpoint' {
            $started = Start-TrainingShell 'Start-Training -RunPath r | Out-Null'
            kill -$Signal $started.Shell.Id
            Assert-StoppedAndGone
            $started.Shell.WaitForExit(240000) | Should -BeTrue
            Get-ShellOutput | Should -Not -Match 'Exception|Unhandled'
        }

        It 'stops its training job with a checkpoint' {
            $started = Start-TrainingShell 'Start-Training -RunPath r -AsJob | Receive-Job -Wait | Out-Null'
            kill -$Signal $started.Shell.Id
            Assert-StoppedAndGone
            $started.Shell.WaitForExit(240000) | Should -BeTrue
            Get-ShellOutput | Should -Not -Match 'Exception|Unhandled'
        }

        It 'leaves a detached training alone' {
            $started = Start-TrainingShell 'Start-Training -RunPath r -Detach | Out-Null; Set-Content started yes; while ($true) { Start-Sleep 1 }'
            Wait-Fact { Test-Path started } | Should -BeTrue
            kill -$Signal $started.Shell.Id
            $started.Shell.WaitForExit(240000) | Should -BeTrue
            (Get-TrainingRun r).State | Should -Be Running
            Stop-Training r
            Assert-StoppedAndGone
        }
    }

    Context 'of a shell' {
        It 'ends a job at exit, which is not held up by it' {
            $started = Start-TrainingShell 'Start-Training -RunPath r -AsJob | Out-Null; while (-not (Test-Path go)) { Start-Sleep -Milliseconds 50 }; exit 7'
            Set-Content go ''
            $started.Shell.WaitForExit(240000) | Should -BeTrue
            $started.Shell.ExitCode | Should -Be 7
            Assert-StoppedAndGone
        }

        It 'is not held up at exit by a trainer that ignores everything' {
            $env:FAKE_END = 'deaf'
            $started = Start-TrainingShell 'Start-Training -RunPath r -AsJob | Out-Null; while (-not (Test-Path go)) { Start-Sleep -Milliseconds 50 }; exit 7'
            Set-Content go ''
            $started.Shell.WaitForExit(240000) | Should -BeTrue
            kill -KILL $started.Trainer
            Wait-Fact { -not (Get-Leftover "$folder/") } | Should -BeTrue
        }

        It 'hands $LASTEXITCODE 75 to a script that goes on after Ctrl+C' {
            $started = Start-TrainingShell 'try { Start-Training -RunPath r | Out-Null } finally { Set-Content code $LASTEXITCODE }'
            Wait-Fact { (Get-TrainingRun r).EpochsDone -ge 1 } | Should -BeTrue
            kill -INT $started.Shell.Id
            Assert-StoppedAndGone
            Wait-Fact { Test-Path code } | Should -BeTrue
            Get-Content code | Should -Be 75
            $checkpoint = [regex]::Escape("$folder/r/checkpoints/")
            $run = [regex]::Escape("$folder/r")
            (Get-ShellOutput) -join '' | Should -Match "The training was stopped with the checkpoint '$checkpoint\d+'; go on with it by: Start-Training -RunPath '$run'"
        }

        It 'comes back from a Ctrl+C that falls between a question about the cursor and its answer' {
            # The first questions set the terminal's mode.
            $terminal = Start-TerminalShell "Set-Location '$folder'; Start-Training -RunPath r" $folder/shell.ps1 -InterruptedAnswer 6
            try {
                $terminal.Shell.WaitForExit(240000) | Should -BeTrue -Because $terminal.Text
                Assert-StoppedAndGone
                $terminal.Text | Should -Match 'The training was stopped with the checkpoint'
            }
            finally { $terminal.Dispose() }
        }

        It 'ends a training that ignores Ctrl+C at the second Ctrl+C' {
            $env:FAKE_END = 'deaf'
            $started = Start-TrainingShell 'Start-Training -RunPath r | Out-Null'
            kill -INT $started.Shell.Id
            Wait-Fact { (Get-ShellOutput) -match 'Ctrl\+C again' } | Should -BeTrue
            kill -INT $started.Shell.Id
            Wait-Fact { -not (Get-Leftover "$folder/") } | Should -BeTrue
            Wait-Fact { (Get-TrainingRun r).State -eq 'Interrupted' } | Should -BeTrue
        }
    }

    Context 'of a pipeline' {
        It 'leaves nothing after PowerShell.Stop, ten times in a row' {
            $threads = $null
            foreach ($round in 1..10) {
                $shell = [powershell]::Create()
                [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Set-Location '$folder'; `$WarningPreference = 'Ignore'; Start-Training -RunPath r$round")
                $output = [Management.Automation.PSDataCollection[psobject]]::new()
                $running = $shell.BeginInvoke([Management.Automation.PSDataCollection[psobject]]::new(), $output)
                Wait-Fact { $output.Count -ge 1 } | Should -BeTrue
                $shell.Stop()
                $shell.InvocationStateInfo.State | Should -Be Stopped
                { $shell.EndInvoke($running) } | Should -Throw
                $shell.Dispose()
                (Get-TrainingRun r$round).State | Should -Be Stopped
                Get-BoundCount | Should -Be 0
                if ($round -eq 3) { $threads = Get-ThreadCount }
            }
            Get-Leftover "$folder/" | Should -BeNullOrEmpty
            (Get-Runspace).Count | Should -Be 1
            # The thread pool of a loaded machine has more for a while.
            Wait-Fact { (Get-ThreadCount) -le $threads + 4 } | Should -BeTrue -Because "threads must not grow with the rounds: $threads to $(Get-ThreadCount)"
        }

        It 'leaves nothing after an early Select-Object -First, fifty times in a row' {
            $env:FAKE_EPOCH_SECONDS = 0.01
            $threads = $null
            foreach ($round in 1..50) {
                (Start-Training -RunPath r$round | Select-Object -First 1).Epoch | Should -Be 0
                $LASTEXITCODE | Should -Be 75
                if ($round -eq 10) { $threads = Get-ThreadCount }
            }
            Get-Leftover "$folder/" | Should -BeNullOrEmpty
            Get-BoundCount | Should -Be 0
            Get-Child | Should -BeNullOrEmpty
            (Get-TrainingRun).Count | Should -Be 50
            (Get-TrainingRun -State Stopped).Count | Should -Be 50
            # The thread pool of a loaded machine has more for a while.
            Wait-Fact { (Get-ThreadCount) -le $threads + 4 } | Should -BeTrue -Because "threads must not grow with the rounds: $threads to $(Get-ThreadCount)"
        }

        It 'stops the trainer where an error downstream ends the pipeline' {
            { Start-Training -RunPath r | ForEach-Object { throw 'downstream' } } | Should -Throw downstream
            Get-Leftover "$folder/" | Should -BeNullOrEmpty
            (Get-TrainingRun r).State | Should -Be Stopped
        }

        It 'stops the trainer where a warning is to end the pipeline' {
            { Start-Training -RunPath r -WarningAction Stop } | Should -Throw
            Get-Leftover "$folder/" | Should -BeNullOrEmpty
            (Get-TrainingRun r).State | Should -Be Stopped
        }
    }

    Context 'of a runspace' {
        It 'ends its jobs when it is closed' {
            $runspace = [runspacefactory]::CreateRunspace()
            $runspace.Open()
            $shell = [powershell]::Create($runspace)
            [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Set-Location '$folder'; Start-Training -RunPath r -AsJob").Invoke()
            $shell.Dispose()
            Wait-Fact { Test-Path r/run.json } | Should -BeTrue
            Get-BoundCount | Should -BeGreaterThan 0
            $runspace.Dispose()
            Assert-StoppedAndGone
            Wait-Fact { (Get-BoundCount) -eq 0 } | Should -BeTrue
        }

        It 'ends its jobs when its pool is closed' {
            $pool = [runspacefactory]::CreateRunspacePool(1, 1)
            $pool.Open()
            $shell = [powershell]::Create()
            $shell.RunspacePool = $pool
            [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Set-Location '$folder'; Start-Training -RunPath r -AsJob").Invoke()
            $shell.Dispose()
            Wait-Fact { Test-Path r/run.json } | Should -BeTrue
            $pool.Dispose()
            Assert-StoppedAndGone
        }

        It 'leaves the jobs of the other runspaces alone' {
            $mine = Start-Training -RunPath r -AsJob
            $runspace = [runspacefactory]::CreateRunspace()
            $runspace.Open()
            $shell = [powershell]::Create($runspace)
            [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Set-Location '$folder'; Start-Training -RunPath other -AsJob").Invoke()
            $shell.Dispose()
            Wait-Fact { Test-Path other/run.json } | Should -BeTrue
            $runspace.Dispose()
            Wait-Fact { (Get-TrainingRun other).State -eq 'Stopped' } | Should -BeTrue
            $mine.State | Should -Be Running
            Stop-Job $mine
            Assert-StoppedAndGone
        }
    }

    Context 'of the module' {
        AfterEach { Import-ModuleUnderTest }

        It 'ends the jobs when it is removed, and can be imported again' {
            Start-Training -RunPath r -AsJob | Out-Null
            Wait-Fact { Test-Path r/run.json } | Should -BeTrue
            Remove-Module RobustTrain
            Wait-Fact { -not (Get-Leftover "$folder/") } | Should -BeTrue
            Import-ModuleUnderTest
            (Get-TrainingRun r).State | Should -Be Stopped
            $again = Start-Training -RunPath r2 -Epochs 1 -AsJob -PassThru
            (Receive-Job $again -Wait)[-1].State | Should -Be Finished
        }

        It 'ends the jobs when it is imported anew by force' {
            Start-Training -RunPath r -AsJob | Out-Null
            Wait-Fact { Test-Path r/run.json } | Should -BeTrue
            Import-Module (Get-ModulePath) -Force -Global
            Assert-StoppedAndGone
        }

        It 'is not in the way of starting and stopping ten jobs in a row' {
            $threads = $null
            foreach ($round in 1..10) {
                $job = Start-Training -RunPath r$round -AsJob
                Wait-Fact { $job.Output.Count -ge 1 } | Should -BeTrue
                Stop-Job $job
                Remove-Job $job
                if ($round -eq 3) { $threads = Get-ThreadCount }
            }
            Get-Job | Should -BeNullOrEmpty
            Get-BoundCount | Should -Be 0
            Get-Leftover "$folder/" | Should -BeNullOrEmpty
            (Get-Runspace).Count | Should -Be 1
            Wait-Fact { (Get-ThreadCount) -le $threads + 4 } | Should -BeTrue -Because "$threads threads became $(Get-ThreadCount)"
        }
    }
}
