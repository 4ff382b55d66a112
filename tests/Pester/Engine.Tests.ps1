# The cmdlets with the engine itself: real data, real trainings (of seconds), real checkpoints.
BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    $isMissing = -not (Test-Path (Join-Path (Split-Path (Get-ModulePath)) 'host/robusttrain*'))
}

Describe 'The engine in PowerShell' -Skip:$isMissing {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
        $here = (New-Item -ItemType Directory (Join-Path $TestDrive engine)).FullName
        Push-Location $here
        $data = New-SampleDataset data -Seed 1

        # Trains in seconds: most scenes are for validation, which costs less.
        Set-Content quick.yaml @"
name: quick
threads: 1
model: {base_channels: 2}
data: {path: $here/data, crop_size: 32, validation_scenes: [Szada/3, Szada/4, Szada/5, Szada/6, Szada/7, Tiszadob/3, Tiszadob/4, Tiszadob/5]}
loader: {batch_size: 64, eval_batch_size: 8, num_workers: 1}
trainer: {epochs: 2, log_interval_seconds: 0}
"@

        # For trainings whose size is not the point: six of the scenes as pairs, 32 crops an epoch.
        New-Item -ItemType Directory pairs/A, pairs/B, pairs/label | Out-Null
        $splits = [ordered]@{ 'Szada/1' = 'train_1'; 'Szada/2' = 'train_2'; 'Szada/3' = 'train_3'; 'Szada/4' = 'train_4'; 'Szada/5' = 'val_5'; 'Szada/6' = 'test_6' }
        foreach ($scene in $splits.Keys) {
            Copy-Item "data/$scene/im1.bmp" "pairs/A/$($splits[$scene]).bmp"
            Copy-Item "data/$scene/im2.bmp" "pairs/B/$($splits[$scene]).bmp"
            Copy-Item "data/$scene/gt.bmp" "pairs/label/$($splits[$scene]).bmp"
        }
        Set-Content pairs.yaml @"
name: pairs
threads: 1
model: {base_channels: 2}
data: {dataset: change-pairs, path: $here/pairs, crop_size: 32, enlarge_ratio: 8}
loader: {batch_size: 8, eval_batch_size: 1, num_workers: 1}
trainer: {epochs: 2, log_interval_seconds: 0}
"@
    }

    AfterEach {
        Get-Job | Remove-Job -Force
        Wait-Fact { -not (Get-Leftover "$here/") } | Should -BeTrue -Because 'no process may be left'
    }

    AfterAll { Pop-Location }

    It 'makes sample data on which thresholded differencing fails' {
        $data.Scenes | Should -Be 12
        $data.DifferencingF1 | Should -BeLessOrEqual 0.5
        (Get-ChildItem data -Recurse -File).Count | Should -BeGreaterOrEqual 36
    }

    It 'refuses to make sample data over other things' {
        New-SampleDataset . -ErrorVariable refused -ErrorAction SilentlyContinue
        $refused.Count | Should -Be 1
        $refused[0].Exception.Message | Should -BeLike '*not empty*'
    }

    It 'says what a configuration would train' {
        $test = Test-TrainingConfig quick.yaml
        $test.Valid | Should -BeTrue
        $test.Device | Should -Be cpu
        $test.TrainingSamples | Should -BeGreaterThan 0
        $test.TestSamples | Should -Be 12
    }

    It 'finds each mistake of a configuration, with file, line and key' {
        Set-Content bad.yaml "data: {path: data}`ntrainer:`n  epochs: many`nmodell: {}"
        $test = Test-TrainingConfig bad.yaml -Set 'seed=-1'
        $test.Valid | Should -BeFalse
        $test.Errors.Line | Should -Be 3, 4, $null
        $test.Errors[0].File | Should -Be (Join-Path $PWD bad.yaml)
        $test.Errors[0].Key | Should -Be trainer.epochs
        $test.Errors.Key | Should -Contain seed
        $test.Errors[1].Message | Should -BeLike '*did you mean*model*'
    }

    It 'rehearses: kills, stalls and damage lose nothing, and the same samples come in the same order' {
        $clean = Measure-DataLoader quick.yaml -NumWorkers 0, 2 -WorkerKind Thread
        $clean.Lost | Should -Be 0, 0
        $clean[0].Digest | Should -Be $clean[1].Digest
        $faulty = Measure-DataLoader quick.yaml -NumWorkers 2 -WorkerKind Thread, Process -Fault 'kill:0.002', 'stall@7' -TimeoutSeconds 0.5
        $faulty.Lost | Should -Be 0, 0
        $faulty.Digest | Should -Be ($clean[0].Digest, $clean[0].Digest)
        $faulty.ForEach({ $_.WorkerFailures -gt 0 }) | Should -Be $true, $true
        $damaged = Measure-DataLoader quick.yaml -NumWorkers 2 -Fault 'corrupt@5', 'corrupt@6'
        $damaged.Lost, $damaged.Skipped, $damaged.Delivered | Should -Be 0, 2, ($clean[0].Delivered - 2)
    }

    It 'measures a folder of images as people have it, and warns once of what it leaves out' {
        New-Item -ItemType Directory images/more | Out-Null
        $source = Get-ChildItem data -Recurse -Filter im1.bmp | Select-Object -First 2
        Copy-Item $source[0].FullName images/one.bmp
        Copy-Item $source[1].FullName images/more/two.bmp
        '', 'x' | Set-Content images/Thumbs.db, images/desktop.ini, images/.DS_Store, images/._one.bmp, images/three.tif
        $measured = Measure-DataLoader -ImagePath images -CropSize 32 -BatchSize 1 -WarningVariable warned -WarningAction SilentlyContinue
        $measured.Delivered | Should -Be 2
        $warned.Count | Should -Be 1
        $warned[0].Message | Should -BeLike '*1 file*three.tif*'
    }

    It 'names every broken image of every split, and with -Quiet says only that there is one' {
        Copy-Item data broken -Recurse
        foreach ($file in 'Szada/1/im2.bmp', 'Tiszadob/3/gt.bmp') {
            $stream = [IO.File]::OpenWrite((Join-Path $PWD broken $file))
            $stream.SetLength($stream.Length - 1000)
            $stream.Dispose()
        }

        (Test-TrainingConfig quick.yaml -DataPath broken).Errors.Message | Should -BeLike '*bmp*truncated*'
        (Test-TrainingConfig quick.yaml -DataPath broken).Errors.Count | Should -Be 2
        Test-TrainingConfig quick.yaml -DataPath broken -Quiet | Should -BeFalse
    }

    It 'refuses a fault that it does not know in one sentence' {
        Measure-DataLoader -Integers 100 -Fault 'explode:0.1' -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure.Count | Should -Be 1
        $failure[0].Exception.Message | Should -BeLike "*explode:0.1*kill*"
    }

    It 'trains: epochs as they end, and all of the run''s folder' {
        $objects = Start-Training quick.yaml -RunPath runs/first
        $LASTEXITCODE | Should -Be 0
        $objects.ForEach({ $_.GetType().Name }) | Should -Be TrainingEpoch, TrainingEpoch
        $objects[0].TrainLoss | Should -BeGreaterThan 0
        $objects[1].Epoch | Should -Be 1
        $objects[1].Delivered | Should -Be (Test-TrainingConfig quick.yaml).TrainingSamples
        $objects[1].DecodeSeconds | Should -Not -BeNullOrEmpty
        $run = Get-TrainingRun runs/first
        $run.SamplesDelivered | Should -Be (2 * $objects[1].Delivered)
        $run.SamplesSkipped | Should -Be 0
        $run.State | Should -Be Finished
        $run.TestF1 | Should -Not -BeNullOrEmpty
        'run.json', 'config.yaml', 'events.ndjson', 'epochs/0001', 'checkpoints' | ForEach-Object { Join-Path runs/first $_ | Should -Exist }
    }

    It 'scores what it has trained, in a pipeline, to the same figures' {
        $run = Get-TrainingRun
        $score = $run | Sort-Object BestScore | Select-Object -First 1 | Measure-Model -DataPath data -Baseline
        $score.F1 | Should -Be $run.TestF1
        $score.Samples | Should -Be 12
        $score.DifferencingF1 | Should -Be $data.DifferencingF1
        $score.CheckpointPath | Should -BeLike (Join-Path $PWD runs first checkpoints *)
        (Measure-Model runs/first -Split Val -Checkpoint Latest).Split | Should -BeLike val*
    }

    It 'has nothing to do for a finished run, and says where it is' {
        $run = Start-Training -RunPath runs/first -PassThru
        $LASTEXITCODE | Should -Be 0
        $run.State | Should -Be Finished
        $run.Attempts | Should -Be 1
    }

    It 'trains in a job that Receive-Job -Wait follows' {
        $job = Start-Training pairs.yaml -RunPath runs/job -AsJob
        (Receive-Job $job -Wait).ForEach({ $_.GetType().Name }) | Should -Be TrainingEpoch, TrainingEpoch
        $job.State | Should -Be Completed
    }

    It 'stops with a checkpoint at an early Select-Object -First, and goes on from there' {
        (Start-Training pairs.yaml -Epochs 10 -RunPath runs/early | Select-Object -First 1).Epoch | Should -Be 0
        $LASTEXITCODE | Should -Be 75
        (Get-TrainingRun runs/early).State | Should -Be Stopped
        $run = Start-Training -RunPath runs/early -PassThru
        $run.State | Should -Be Finished
        $run.Attempts | Should -Be 2
        $run.EpochsDone | Should -Be 10
    }

    It 'has a history with the steps that each process came to' {
        $record = Get-TrainingRun runs/first
        $steps = (Test-TrainingConfig quick.yaml).StepsPerEpoch
        (Get-TrainingRun runs/first -History).LastStep | Should -Be ($record.Epochs * $steps - 1)
        $steps = (Test-TrainingConfig pairs.yaml).StepsPerEpoch
        $history = Get-TrainingRun runs/early -History
        $history.State | Should -Be Stopped, Finished
        $history[1].LastStep | Should -Be (10 * $steps - 1)
        $history[0].LastStep | Should -BeGreaterOrEqual ($steps - 1)
        $history[0].LastStep | Should -BeLessThan $history[1].LastStep
    }

    It 'stops with a checkpoint at Stop-Job' {
        $job = Start-Training pairs.yaml -Epochs 500 -RunPath runs/stopped -AsJob
        Wait-Fact { $job.Progress.Count } | Should -BeTrue
        Wait-Fact { Test-Path runs/stopped/run.json } | Should -BeTrue
        Stop-Job $job
        $job.ExitCode | Should -Be 75
        (Get-TrainingRun runs/stopped).State | Should -Be Stopped
        Get-ChildItem runs/stopped/checkpoints | Should -Not -BeNullOrEmpty
    }

    # Windows has no signals; what Ctrl+C does there to a trainer is in tests/Unit/Host/WindowsStopTests.cs.
    It 'leaves no process and a checkpoint behind a shell that <How>' -ForEach @(
        if (-not $IsWindows) { @{ How = 'gets Ctrl+C'; Signal = 'INT' } }
        @{ How = 'is killed with -9'; Signal = 'KILL' }
    ) {
        $run = "$here/runs/shell-$Signal"
        $shell = Start-TestShell "Set-Location '$here'; Start-Training pairs.yaml -Epochs 500 -RunPath '$run' | Out-Null" "$TestDrive/shell-$Signal.txt"
        Assert-ShellFact { Test-Path "$run/epochs/0000" } $shell "$TestDrive/shell-$Signal.txt"
        @(Get-Leftover $run).Count | Should -BeGreaterThan 0
        if ($IsWindows) { Stop-Process -Id $shell.Id -Force } else { kill -$Signal $shell.Id }
        $shell.WaitForExit(240000) | Should -BeTrue
        Assert-ShellFact { -not (Get-Leftover $run) } $shell "$TestDrive/shell-$Signal.txt"
        @(Get-Leftover $run).Count | Should -Be 0
        (Get-TrainingRun $run).State | Should -Be Stopped
        (Get-TrainingRun $run).ExitCode | Should -Be 75
        Get-ChildItem "$run/checkpoints" | Should -Not -BeNullOrEmpty
    }

    It 'tells of a trainer that is killed, and goes on with its run' {
        $job = Start-Training pairs.yaml -Epochs 10 -RunPath runs/killed -AsJob
        Wait-Fact { $job.Output.Count -and (Get-ChildItem runs/killed/checkpoints -ErrorAction Ignore) } | Should -BeTrue
        Stop-Process -Id $job.ProcessId -Force
        Wait-Job $job | Out-Null
        $job.State | Should -Be Failed
        Receive-Job $job -ErrorVariable killed -ErrorAction SilentlyContinue | Out-Null
        $killed[0].FullyQualifiedErrorId | Should -BeLike 'TrainerKilled*'
        (Get-TrainingRun runs/killed).State | Should -Be Interrupted
        $end = Get-TrainingRun runs/killed | Start-Training -PassThru
        $end.State | Should -Be Finished
        $end.Interruptions | Should -Be 1
    }

    It 'trains on detached, and is stopped from here' {
        $run = Start-Training pairs.yaml -Epochs 500 -RunPath runs/detached -Detach
        $run.State | Should -Be Running
        (Stop-Training runs/detached -PassThru).State | Should -Be Stopped
        "runs/detached/output-$($run.ProcessId).log" | Should -Exist
    }

    It 'refuses <What> in one sentence, by the id <Id>, and creates nothing' -ForEach @(
        @{ What = 'a missing configuration'; Parameters = @{ ConfigurationPath = 'nowhere.yaml' }; Id = 'ConfigurationNotFound' }
        @{ What = 'an unknown key'; Parameters = @{ ConfigurationPath = 'quick.yaml'; Set = 'loader.batch_sise=3' }; Id = 'ConfigurationUnknownKey' }
        @{ What = 'a number out of range'; Parameters = @{ ConfigurationPath = 'quick.yaml'; Epochs = 0 }; Id = 'ConfigurationOutOfRange' }
        @{ What = 'an unknown model'; Parameters = @{ ConfigurationPath = 'quick.yaml'; Model = 'fc-siam-dif' }; Id = 'ConfigurationNotAllowed' }
        @{ What = 'no data'; Parameters = @{ Epochs = 2 }; Id = 'ConfigurationMissingKey' }
        @{ What = 'a run that is not there'; Parameters = @{}; Id = 'RunNotFound' }
    ) {
        Start-Training @Parameters -RunPath runs/refused -ErrorVariable refused -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $LASTEXITCODE | Should -Be 2
        $refused.Count | Should -Be 1
        $refused[0].FullyQualifiedErrorId | Should -Be "$Id,RobustTrain.Cmdlets.Commands.StartTrainingCommand"
        $refused[0].CategoryInfo.Category | Should -BeIn InvalidArgument, ObjectNotFound
        $refused[0].Exception.Message | Should -Not -Match '\n|   at '
        'runs/refused' | Should -Not -Exist
    }

    It 'refuses data that is not there, and a device that is not there' {
        Start-Training quick.yaml -DataPath nowhere -RunPath runs/refused -ErrorVariable refused -ErrorAction SilentlyContinue
        Start-Training quick.yaml -Device cuda:63 -RunPath runs/refused -ErrorVariable +refused -ErrorAction SilentlyContinue
        $refused.Count | Should -Be 2
        $refused[0].Exception.Message | Should -BeLike "*$(Join-Path $PWD nowhere)*"
        $refused[1].Exception.Message | Should -BeLike '*cuda*'
        'runs/refused' | Should -Not -Exist
    }

    It 'refuses a run folder of another configuration, and says what differs' {
        Start-Training quick.yaml -RunPath runs/first -Seed 5 -ErrorVariable refused -ErrorAction SilentlyContinue
        $refused[0].FullyQualifiedErrorId | Should -BeLike 'RunConfigurationDiffers,*'
        $refused[0].Exception.Message | Should -BeLike '*seed*'
        (Get-TrainingRun runs/first).State | Should -Be Finished
    }

    It 'refuses to score what is no checkpoint' {
        Measure-Model data -ErrorVariable refused -ErrorAction SilentlyContinue
        $refused.Count | Should -Be 1
        Measure-Model nowhere -ErrorVariable refused -ErrorAction SilentlyContinue
        $refused[0].FullyQualifiedErrorId | Should -BeLike 'CheckpointNotFound,*'
    }
}
