Describe 'Start-Training' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        $slash = [IO.Path]::DirectorySeparatorChar
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.02; CALLS = Join-Path $folder calls }
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach {
        Pop-Location
        Get-Leftover $folder | Should -BeNullOrEmpty
    }

    AfterAll { Use-RealHost }

    Context 'in the foreground' {
        It 'writes an object for each epoch as it ends, and nothing else' {
            # The trainer goes on only when the epoch before has come out of the pipeline.
            $env:FAKE_GATE = Join-Path $folder gate
            $seen = Start-Training -RunPath r | ForEach-Object {
                [pscustomobject]@{ Object = $_; State = (Get-TrainingRun r).State }
                Set-Content "$env:FAKE_GATE$($_.Epoch + 1)" open
            }
            $seen.Object.ForEach({ $_.GetType().Name }) | Should -Be TrainingEpoch, TrainingEpoch, TrainingEpoch
            $seen.State | Should -Be Running, Running, Running -Because 'the epochs come while the training goes on'
            $epoch = $seen[1].Object
            $epoch.Epoch | Should -Be 1
            $epoch.Epochs | Should -Be 3
            $epoch.TrainLoss | Should -Be 0.89
            $epoch.F1 | Should -Be 0.51
            $epoch.MeanF1 | Should -Be 0.8
            $epoch.DataWaitPercent | Should -Be 25
            $epoch.RunPath | Should -Be (Join-Path $PWD r)
        }

        It 'says at the end where the finished run is' {
            $said = Start-Training -RunPath r -Name mine 6>&1 | Where-Object { $_ -is [Management.Automation.InformationRecord] }
            $said | Should -HaveCount 1
            "$said" | Should -Be "The run 'mine' is finished: 3 of 3 epochs, test F1 0.7700. It is in $PWD${slash}r."
        }

        It 'writes the run at the end, in place of the epochs, with -PassThru' {
            $run = Start-Training -RunPath r -PassThru
            $run | Should -HaveCount 1
            $run | Should -BeOfType RobustTrain.Cmdlets.Output.TrainingRun
            $run.State | Should -Be Finished
            $run.TestF1 | Should -Be 0.77
            (Start-Training -RunPath r2 -AsJob -PassThru | Receive-Job -Wait).RunPath | Should -Be "$PWD${slash}r2"
        }

        It 'writes objects of one shape, so that Export-Csv keeps each' {
            Start-Training -RunPath r | Export-Csv epochs.csv
            $rows = Import-Csv epochs.csv
            $rows.Epoch | Should -Be 0, 1, 2
            $rows.TrainLoss | Should -Not -Contain ''
            $rows.MeanF1 | Should -Be 0.8, 0.8, 0.8
            # An epoch without a validation, as the first one with trainer.validate_every=2, has the same properties.
            $env:FAKE_UNSCORED = 0
            Start-Training -RunPath r2 | Export-Csv epochs.csv
            $rows = Import-Csv epochs.csv
            $rows.F1 | Should -Be '', 0.51, 0.52
            $rows.MeanF1 | Should -Be '', 0.8, 0.8
        }

        It 'sets $LASTEXITCODE to <Code> where the trainer ends with it, and says why by the id <Id>' -ForEach @(
            @{ End = 'numeric'; Code = 4; Id = 'NumericNotFinite'; Category = 'InvalidResult'; Message = 'The loss is NaN at step 9 of epoch 0.' }
            @{ End = 'data'; Code = 3; Id = 'DataBeyondErrorBudget'; Category = 'InvalidData'; Message = '3 of 10 samples are unreadable, but 2 are allowed.' }
            @{ End = 'image'; Code = 3; Id = 'SampleNotReadable'; Category = 'InvalidData'; Message = 'The file is not an image.'; Target = '/d/a.png' }
            @{ End = 'memory'; Code = 5; Id = 'OutOfMemory'; Category = 'ResourceUnavailable'; Message = 'The device has no memory for one sample.' }
            @{ End = 'unexpected'; Code = 1; Id = 'TrainerFailed'; Category = 'NotSpecified'; Message = 'Unhandled exception.' }
            @{ End = 'silent'; Code = 1; Id = 'TrainerFailed'; Category = 'NotSpecified'; Message = 'robusttrain ended with exit code 1 and said nothing.' }
            @{ End = 'configuration'; Code = 2; Id = 'ConfigurationInvalid'; Category = 'InvalidArgument'; Message = "broken.yaml, line 3: 'loader' has no key 'batch_sise'; did you mean 'batch_size'?" }
            @{ End = 'segfault'; Code = $IsWindows ? -1073741819 : 139; Id = 'TrainerKilled'; Category = 'NotSpecified'; Message = $IsWindows ? '*access violation*' : 'The trainer was ended by signal 11*' }
        ) {
            $env:FAKE_END = $End
            $global:LASTEXITCODE = -1
            Start-Training -RunPath r -ErrorVariable failure -ErrorAction SilentlyContinue | Out-Null
            $? | Should -BeFalse
            $LASTEXITCODE | Should -Be $Code
            $failure.Count | Should -Be 1
            $failure[0].Exception.Message | Should -BeLike ($Message -replace '\[', '`[')
            $failure[0].FullyQualifiedErrorId | Should -Be "$Id,RobustTrain.Cmdlets.Commands.StartTrainingCommand"
            $failure[0].CategoryInfo.Category | Should -Be $Category
            $failure[0].TargetObject | Should -Be ($_['Target'] ?? (Join-Path $PWD r))
        }

        It 'sets $LASTEXITCODE to 0 at a finished run' {
            $global:LASTEXITCODE = -1
            Start-Training -RunPath r | Out-Null
            $LASTEXITCODE | Should -Be 0
        }

        It 'ends a script under -ErrorAction Stop' {
            $env:FAKE_END = 'numeric'
            { Start-Training -RunPath r -ErrorAction Stop } | Should -Throw -ErrorId 'NumericNotFinite,*'
        }

        It 'shows warnings as warnings' {
            Start-Training -RunPath r -WarningVariable warnings | Out-Null
            $warnings.Message | Should -Be 'This is a fake.'
        }

        It 'names the first files of a warning, and all of them with -Verbose' {
            $env:FAKE_UNUSED = 1
            $told = Start-Training -RunPath r -Verbose -WarningVariable warnings -WarningAction SilentlyContinue 4>&1 | Where-Object { $_ -is [Management.Automation.VerboseRecord] }
            $warnings.Message | Should -Contain "Images are not used (4 files: '/d/1', '/d/2', '/d/3', …). (-Verbose names all of them.)"
            $told.Message -replace "`r" | Should -Contain ('The warning is about:', '/d/1', '/d/2', '/d/3', '/d/4' -join "`n")
        }

        It 'warns of skipped samples and of dead and replaced workers once an epoch, and tells each with -Verbose' {
            $env:FAKE_TROUBLE = 1
            $told = Start-Training -RunPath r -Verbose -WarningVariable warnings -WarningAction SilentlyContinue 4>&1 | Where-Object { $_ -is [Management.Automation.VerboseRecord] }
            $warnings.Message | Select-Object -Skip 1 | Should -Be @(
                foreach ($epoch in 1, 2) {
                    $more = "(Epoch $epoch; more of this kind in this epoch are told with -Verbose only.)"
                    "Sample 7 (7.png) is skipped: it is damaged. $more"
                    "Worker process-0 died: killed by signal 9. $more"
                    "Worker process-0 is replaced by a new one. $more"
                })
            @($told.Message) -match 'is skipped' | Should -HaveCount 4
        }

        It 'shows skipped samples and failures in the table where there are any, within 80 columns' {
            $env:FAKE_TROUBLE = 1
            $lines = (Start-Training -RunPath r -WarningAction SilentlyContinue | Select-Object -First 3 | Out-String -Width 80) -split '\r?\n'
            $lines -match 'Epoch +TrainLoss +F1 +IoU +Best +Samples/s +Wait +Skipped +Fails +Time$' | Should -HaveCount 1
            $lines -match '0/3 +0\.90000 +0\.5000 +0\.4000 +\* +123\.5 +25 % +0\.0 s$' | Should -HaveCount 1
            $lines -match '1/3 +0\.89000 +0\.5100 +0\.4000 +\* +123\.5 +25 % +2 +1 +0\.0 s$' | Should -HaveCount 1
        }

        It 'sets $LASTEXITCODE where the training could not begin, as the error says' {
            $global:LASTEXITCODE = -1
            $env:ROBUSTTRAIN_HOST = '/no/such/robusttrain'
            Start-Training -RunPath r -ErrorAction SilentlyContinue
            $LASTEXITCODE | Should -Be 2
        }

        It 'shows progress with epoch, step, loss and speed, and takes it away at the end' {
            $shell = [powershell]::Create()
            try {
                [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Start-Training -RunPath '$folder/r'").Invoke()
                $status = $shell.Streams.Progress.StatusDescription
                $status | Should -Contain 'epoch 1 of 3, step 10 of 10, loss 0.5, learning rate 0.001, 100 samples/s'
                $status | Should -Contain 'validating: 1 of 2'
                $shell.Streams.Progress[-1].RecordType | Should -Be Completed
            }
            finally { $shell.Dispose() }
        }

        It 'passes -<Parameter> on as <Setting>' -ForEach @(
            @{ Parameter = 'Name'; Value = 'my run'; Setting = 'name="my run"' }
            @{ Parameter = 'Model'; Value = 'fc-siam-conc'; Setting = 'model.name=fc-siam-conc' }
            @{ Parameter = 'Dataset'; Value = 'change-pairs'; Setting = 'data.dataset=change-pairs' }
            @{ Parameter = 'Epochs'; Value = 2; Setting = 'trainer.epochs=2' }
            @{ Parameter = 'BatchSize'; Value = 8; Setting = 'loader.batch_size=8' }
            @{ Parameter = 'LearningRate'; Value = 2.5e-4; Setting = 'optimizer.learning_rate=0.00025' }
            @{ Parameter = 'Optimizer'; Value = 'sgd'; Setting = 'optimizer.name=sgd' }
            @{ Parameter = 'Criterion'; Value = 'focal-dice'; Setting = 'criterion.name=focal-dice' }
            @{ Parameter = 'Schedule'; Value = 'cosine'; Setting = 'schedule.name=cosine' }
            @{ Parameter = 'Device'; Value = 'cuda:1'; Setting = 'device=cuda:1' }
            @{ Parameter = 'Device'; Value = 1; Setting = 'device=cuda:1' }
            @{ Parameter = 'Seed'; Value = 7; Setting = 'seed=7' }
            @{ Parameter = 'Threads'; Value = 2; Setting = 'threads=2' }
            @{ Parameter = 'NumWorkers'; Value = 0; Setting = 'loader.num_workers=0' }
            @{ Parameter = 'PrefetchQueueLength'; Value = 5; Setting = 'loader.prefetch_queue_length=5' }
            @{ Parameter = 'NumWorkers'; Value = 'auto'; Setting = 'loader.num_workers=auto' }
            @{ Parameter = 'NumWorkerPerGpu'; Value = 3; Setting = 'loader.num_workers=3' }
            @{ Parameter = 'BatchSizePerGpu'; Value = 3; Setting = 'loader.batch_size=3' }
            @{ Parameter = 'NumPrefetchQueue'; Value = 3; Setting = 'loader.prefetch_queue_length=3' }
            @{ Parameter = 'WorkerKind'; Value = 'process'; Setting = 'loader.worker_kind=process' }
            @{ Parameter = 'PrefetchMode'; Value = 'none'; Setting = 'loader.prefetch_mode=none' }
            @{ Parameter = 'TimeoutSeconds'; Value = 2.5; Setting = 'loader.timeout_seconds=2.5' }
            @{ Parameter = 'Timeout'; Value = 25; Setting = 'loader.timeout_seconds=25' }
            @{ Parameter = 'CheckInterval'; Value = 0.5; Setting = 'loader.health_check_interval_seconds=0.5' }
            @{ Parameter = 'MaxErrors'; Value = 9; Setting = 'loader.max_errors=9' }
            @{ Parameter = 'OnBadSample'; Value = 'skip'; Setting = 'loader.on_bad_sample=skip' }
            @{ Parameter = 'MaxSkipped'; Value = 0.05; Setting = 'loader.max_skipped=0.05' }
            @{ Parameter = 'PersistentWorkers'; Value = $false; Setting = 'loader.persistent_workers=false' }
            @{ Parameter = 'IgnoreQuarantine'; Value = $true; Setting = 'loader.ignore_quarantine=true' }
            if (-not $IsWindows) { @{ Parameter = 'QuarantinePath'; Value = '/q/bad.json'; Setting = 'loader.quarantine_path=/q/bad.json' } }
            @{ Parameter = 'DatasetEnlargeRatio'; Value = 4; Setting = 'data.enlarge_ratio=4' }
            @{ Parameter = 'FillLast'; Value = $true; Setting = 'loader.fill_last=true' }
            @{ Parameter = 'DropLast'; Value = $true; Setting = 'loader.drop_last=true' }
            @{ Parameter = 'ClipNorm'; Value = 0.5; Setting = 'trainer.clip_norm=0.5' }
            @{ Parameter = 'Accumulate'; Value = 4; Setting = 'trainer.accumulate=4' }
            @{ Parameter = 'EmaDecay'; Value = 0.999; Setting = 'trainer.ema_decay=0.999' }
            @{ Parameter = 'WarmupSteps'; Value = 100; Setting = 'schedule.warmup_steps=100' }
            @{ Parameter = 'Deterministic'; Value = $true; Setting = 'trainer.deterministic=true' }
            @{ Parameter = 'Freeze'; Value = 'conv1*', 'bn11.weight'; Setting = 'trainer.freeze=["conv1*", bn11.weight]' }
            @{ Parameter = 'Freeze'; Value = 'conv1*'; Setting = 'trainer.freeze=["conv1*"]' }
            if (-not $IsWindows) { @{ Parameter = 'StartFrom'; Value = '/runs/first'; Setting = 'trainer.start_from=/runs/first' } }
            @{ Parameter = 'OnFailure'; Value = 'rollback'; Setting = 'numerics.on_failure=rollback' }
            @{ Parameter = 'BestMetric'; Value = 'north/f1'; Setting = 'trainer.best_metric=north/f1' }
            @{ Parameter = 'Patience'; Value = 5; Setting = 'selection.patience=5' }
            @{ Parameter = 'Set'; Value = @{ 'model.base_channels' = 8 }; Setting = 'model.base_channels=8' }
            @{ Parameter = 'Set'; Value = @{ model = @{ dropout = 0.5 } }; Setting = 'model.dropout=0.5' }
            @{ Parameter = 'Set'; Value = @{ 'data.mean' = 0.5, 0.25, 1 }; Setting = 'data.mean=[0.5, 0.25, 1]' }
            @{ Parameter = 'Set'; Value = @{ 'data.crop_size' = $null }; Setting = 'data.crop_size=null' }
            @{ Parameter = 'Set'; Value = @{ name = 'a: "b"' }; Setting = 'name="a: \"b\""' }
            @{ Parameter = 'Set'; Value = 'data.crop_size=64'; Setting = 'data.crop_size=64' }
        ) {
            $parameters = @{ $Parameter = $Value }
            Start-Training -RunPath r @parameters | Out-Null
            Get-LastCall | Should -Be "train --set $Setting --run-path $PWD${slash}r --events --life-line"
        }

        It 'lets -Set win over the other parameters, by coming last' {
            Start-Training -Epochs 5 -Set 'trainer.epochs=1', @{ seed = 3 } -RunPath r | Should -HaveCount 1
            Get-LastCall | Should -BeLike '*--set trainer.epochs=5 --set trainer.epochs=1 --set seed=3*'
        }

        It 'resolves paths against $PWD: the configuration, -DataPath and -RunPath' {
            New-Item -ItemType Directory inner | Out-Null
            Push-Location inner
            Start-Training ../my.yaml -DataPath ~/data -RunPath ../r | Out-Null
            Pop-Location
            # As YAML writes it.
            $data = $IsWindows ? "`"$("$HOME\data".Replace('\', '\\'))`"" : "$HOME/data"
            Get-LastCall | Should -Be "train $PWD${slash}my.yaml --set data.path=$data --run-path $PWD${slash}r --events --life-line"
        }

        It 'takes wildcards in paths as they stand' {
            Start-Training '[a]*.yaml' -RunPath 'r[1]' | Out-Null
            Get-LastCall | Should -Be "train $PWD$slash[a]*.yaml --run-path $PWD${slash}r[1] --events --life-line"
            Test-Path -LiteralPath 'r[1]/run.json' | Should -BeTrue
        }

        It 'takes a configuration file from the pipeline' {
            Set-Content one.yaml, two.yaml ''
            Get-Item *.yaml | Start-Training -Epochs 1 -RunPath { "runs/$($_.BaseName)" } | Out-Null
            (Get-TrainingRun).RunPath | Should -Be (Join-Path $PWD runs/one), (Join-Path $PWD runs/two)
        }

        It 'takes the device from objects with an index, as Get-GpuStatus writes them' {
            [pscustomobject]@{ Index = 3 } | Start-Training -RunPath r | Out-Null
            Get-LastCall | Should -BeLike '*--set device=cuda:3 *'
        }

        It 'goes on with a run that comes without a configuration, which the engine knows' {
            Start-Training -RunPath r | Out-Null
            Get-TrainingRun r | Start-Training | Out-Null
            Get-LastCall | Should -Be "train --run-path $PWD${slash}r --events --life-line"
        }

        It 'passes -Resume on' -ForEach 'Never', 'Auto', 'Require' {
            Start-Training -RunPath r -Resume $_ | Out-Null
            Get-LastCall | Should -BeLike "*--resume $($_.ToLower()) *"
        }

        It 'starts and creates nothing under -WhatIf' {
            Start-Training my.yaml -RunPath r -WhatIf | Should -BeNullOrEmpty
            Start-Training my.yaml -RunPath r -WhatIf -AsJob | Should -BeNullOrEmpty
            Start-Training my.yaml -RunPath r -WhatIf -Detach | Should -BeNullOrEmpty
            (Get-ChildItem -Force).Name | Should -Be calls
            Get-Content calls | Should -BeLike "config check $PWD${slash}my.yaml *" -Because 'it is only checked'
        }

        It 'names device and run folder under -WhatIf' {
            $transcript = Join-Path $folder transcript
            Start-Transcript $transcript | Out-Null
            try { Start-Training my.yaml -RunPath r -WhatIf } finally { Stop-Transcript | Out-Null }
            Get-Content $transcript -Raw | Should -BeLike "*Train on cpu in the run folder '$PWD${slash}r'*"
            Remove-Item $transcript
        }

        It 'asks under -WhatIf what a training would ask of the run' {
            Start-Training my.yaml -RunPath r -Resume Never -WhatIf
            Get-LastCall | Should -BeLike "config check * --run-path $PWD${slash}r --resume never *"
        }

        It 'is an error under -WhatIf, too, where it could not begin' {
            $env:FAKE_END = 'invalid'
            Start-Training my.yaml -RunPath r -WhatIf -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure | Should -HaveCount 1
            Set-Content file ''
            Start-Training -RunPath file -WhatIf -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'RunPathIsFile,*'
        }

        It 'refuses a -Set that is no setting' {
            { Start-Training -RunPath r -Set 3 } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,*'
            { Start-Training -RunPath r -Set '=3' } | Should -Throw -ExpectedMessage '*is no setting*'
        }

        It 'names the executable that it does not find, wherever it was to be' {
            $env:ROBUSTTRAIN_HOST = '/nowhere/robusttrain'
            Start-Training -RunPath r -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'HostNotFound,*'
            $failure[0].CategoryInfo.Category | Should -Be ObjectNotFound
            $failure[0].Exception.Message | Should -BeLike '*ROBUSTTRAIN_HOST*/nowhere/robusttrain*'
            $failure[0].TargetObject | Should -Be '/nowhere/robusttrain'
        }

        It 'says how to make an executable that is not' -Skip:$IsWindows {
            $env:ROBUSTTRAIN_HOST = Join-Path $PWD plain
            Set-Content plain ''
            Start-Training -RunPath r -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'HostNotExecutable,*'
            $failure[0].Exception.Message | Should -BeLike '*chmod +x*'
        }

        It 'says that a run was stopped from outside, and how to go on' -Skip:$IsWindows {
            $env:FAKE_EPOCHS = 1000
            Start-Training -RunPath r -WarningVariable warnings | ForEach-Object { if ($_.Epoch -eq 1) { kill -TERM (Get-TrainingRun r).ProcessId } } | Out-Null
            $LASTEXITCODE | Should -Be 75
            $warnings[-1].Message | Should -Match ("^The run was stopped from outside, with the checkpoint '{0}/checkpoints/\d+'; go on with it by: Start-Training -RunPath '{0}'$" -f [regex]::Escape("$PWD${slash}r"))
            (Get-TrainingRun r).State | Should -Be Stopped
        }

        It 'shows a table of epochs' {
            $table = Start-Training -RunPath r | Select-Object -First 3 | Out-String -Width 200
            $table | Should -Match 'Epoch +TrainLoss +F1 +IoU +Best +Samples/s +Wait +Skipped +Fails +Time'
            $table | Should -Match '1/3 +0\.89000 +0\.5100 +0\.4000 +\* +123\.5 +25 %'
        }
    }

    Context 'as a job' {
        AfterEach { Get-Job | Remove-Job -Force }

        It 'writes a job at once that Receive-Job -Wait follows to its end' {
            $job = Start-Training -RunPath r -AsJob
            $job | Should -BeOfType RobustTrain.Cmdlets.Jobs.TrainingJob
            $job.PSJobTypeName | Should -Be TrainingJob
            $objects = Receive-Job $job -Wait
            $objects.ForEach({ $_.GetType().Name }) | Should -Be TrainingEpoch, TrainingEpoch, TrainingEpoch
            $job.State | Should -Be Completed
            $job.ExitCode | Should -Be 0
            $job.HasMoreData | Should -BeFalse
        }

        It 'keeps its output under Receive-Job -Keep' {
            $job = Start-Training -RunPath r -AsJob | Wait-Job
            (Receive-Job $job -Keep).Count | Should -Be 3
            $job.HasMoreData | Should -BeTrue
            (Receive-Job $job).Count | Should -Be 3
            $job.HasMoreData | Should -BeFalse
        }

        It 'takes its name from -Name, and is found by Get-Job by name, id, state and command' {
            $env:FAKE_EPOCHS = 1000
            $job = Start-Training -RunPath r -AsJob -Name nightly
            (Get-Job -Name night*).InstanceId | Should -Be $job.InstanceId
            (Get-Job -Id $job.Id).InstanceId | Should -Be $job.InstanceId
            (Get-Job -InstanceId $job.InstanceId).Id | Should -Be $job.Id
            (Get-Job -State Running).InstanceId | Should -Be $job.InstanceId
            (Get-Job -Command '*-AsJob -Name nightly*').InstanceId | Should -Be $job.InstanceId
            $job.StatusMessage | Should -Be (Join-Path $PWD r)
            Stop-Job $job
        }

        It 'keeps details only where -Verbose asks for them' {
            $env:FAKE_TROUBLE = 0
            $job = Start-Training -RunPath r -AsJob -Verbose | Wait-Job
            @($job.Verbose.Message) -match 'is skipped' | Should -HaveCount 6
            @($job.Warning.Message) -match 'is skipped' | Should -HaveCount 3
            (Start-Training -RunPath s -AsJob | Wait-Job).Verbose | Should -BeNullOrEmpty
        }

        It 'is stopped with a checkpoint by Stop-Job, and still hands its run over with -PassThru' {
            $env:FAKE_EPOCHS = 1000
            $job = Start-Training -RunPath r -AsJob -PassThru
            Wait-Fact { (Get-TrainingRun r -ErrorAction Ignore).EpochsDone } | Should -BeTrue
            Stop-Job $job
            $job.State | Should -Be Stopped
            $job.ExitCode | Should -Be 75
            $job.Warning[-1].Message | Should -BeLike "The training was stopped with the checkpoint '$PWD${slash}r${slash}checkpoints$slash*'; go on with it by: Start-Training -RunPath '$PWD${slash}r'"
            (Receive-Job $job)[-1].State | Should -Be Stopped
            (Get-TrainingRun r).State | Should -Be Stopped
        }

        It 'is ended and forgotten by Remove-Job -Force' {
            $env:FAKE_EPOCHS = 1000
            $job = Start-Training -RunPath r -AsJob
            Wait-Fact { $job.Output.Count -ge 1 } | Should -BeTrue
            Remove-Job $job -Force
            Get-Job | Should -BeNullOrEmpty
            Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
        }

        It 'refuses Remove-Job without -Force while it runs' {
            $env:FAKE_EPOCHS = 1000
            $job = Start-Training -RunPath r -AsJob
            Remove-Job $job -ErrorVariable refused -ErrorAction SilentlyContinue
            $refused.Count | Should -Be 1
            $job.State | Should -Be Running
            Stop-Job $job
        }

        It 'fails with the trainer''s own sentence and id' {
            $env:FAKE_END = 'numeric'
            $job = Start-Training -RunPath r -AsJob | Wait-Job
            $job.State | Should -Be Failed
            $job.ExitCode | Should -Be 4
            Receive-Job $job -ErrorVariable failure -ErrorAction SilentlyContinue | Out-Null
            $failure.Count | Should -Be 1
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'NumericNotFinite*'
            $failure[0].Exception.Message | Should -Be 'The loss is NaN at step 9 of epoch 0.'
        }

        It 'fails where the executable is missing' {
            $env:ROBUSTTRAIN_HOST = '/nowhere/robusttrain'
            $job = Start-Training -RunPath r -AsJob | Wait-Job
            $job.State | Should -Be Failed
            Receive-Job $job -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'HostNotFound*'
        }

        It 'cannot be suspended' {
            $env:FAKE_EPOCHS = 1000
            $job = Start-Training -RunPath r -AsJob
            { $job.SuspendJob() } | Should -Throw -ExpectedMessage '*not suspended*'
            Stop-Job $job
        }

        It 'runs beside others, each stopped alone' {
            $env:FAKE_EPOCHS = 1000
            $first = Start-Training -RunPath r1 -AsJob
            $second = Start-Training -RunPath r2 -AsJob
            Wait-Fact { $first.Output.Count -and $second.Output.Count } | Should -BeTrue
            Stop-Job $first
            $second.State | Should -Be Running
            Stop-Job $second
        }
    }

    Context 'detached' {
        It 'writes the running run at once, and its output goes into the run''s folder' {
            $env:FAKE_GATE = Join-Path $TestDrive ([guid]::NewGuid())
            $run = Start-Training -RunPath r -Detach
            $run.State | Should -Be Running
            (Get-Process -Id $run.ProcessId).Id | Should -Be $run.ProcessId
            1..3 | ForEach-Object { Set-Content "$env:FAKE_GATE$_" open }
            Wait-Fact { (Get-TrainingRun r).State -eq 'Finished' } | Should -BeTrue
            Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
            $log = Get-Content "r/output-$($run.ProcessId).log"
            $log[0] | Should -BeLike '*run_started*'
            $log[-1] | Should -BeLike '*run_finished*'
            (Get-ChildItem -Force).Name | Sort-Object | Should -Be calls, r
        }

        It 'has no life line and is a session of its own' -Skip:$IsWindows {
            $env:FAKE_EPOCHS = 1000
            $run = Start-Training -RunPath r -Detach
            Get-LastCall | Should -Be "train --run-path $PWD${slash}r --events"
            (ps -o sid= -p $run.ProcessId).Trim() | Should -Be $run.ProcessId
            Stop-Training r
            Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
        }

        It 'sets $LASTEXITCODE: 0 where it has begun, else what the error says' {
            $env:FAKE_EPOCHS = 1000
            $global:LASTEXITCODE = -1
            Start-Training -RunPath r -Detach | Out-Null
            $LASTEXITCODE | Should -Be 0
            Stop-Training r
            $env:FAKE_END = 'configuration'
            Start-Training -RunPath s -Detach -ErrorAction SilentlyContinue
            $LASTEXITCODE | Should -Be 2
        }

        It 'leaves nothing where the configuration is wrong, and says what is' {
            $env:FAKE_END = 'configuration'
            Start-Training -RunPath new/r -Detach -ErrorVariable failure -ErrorAction SilentlyContinue
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'ConfigurationInvalid,*'
            $failure[0].Exception.Message | Should -BeLike "broken.yaml, line 3*"
            (Get-ChildItem -Force).Name | Should -Be calls
        }

        It 'chooses a folder as the trainer does where none is given' {
            $run = Start-Training -Name mine -Detach
            $run.RunPath | Should -Be (Join-Path $PWD runs/mine)
            Stop-Training $run.RunPath
            Wait-Fact { -not (Get-Leftover $folder) } | Should -BeTrue
        }
    }
}
