BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
}

AfterAll { Use-RealHost }

Describe 'The scores of a task' {
    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls }
        $env:FAKE_TASK = 'super-resolution'
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
    }

    AfterEach {
        Pop-Location
        Remove-Item Env:FAKE_TASK, Env:FAKE_UNSCORED -ErrorAction Ignore
    }

    It 'are properties of an epoch, and stand in its table' {
        $epochs = Start-Training -RunPath r
        $epochs[2].PsnrY, $epochs[2].SsimY, $epochs[2].Psnr, $epochs[2].Ssim | Should -Be 28.52, 0.8123, 26.5, $null
        $epochs[2].Scores.psnr_y, $epochs[2].Task, $epochs[2].BestMetric | Should -Be 28.52, super-resolution, psnr_y
        $epochs[2].PSObject.Properties['F1'] | Should -BeNullOrEmpty
        $lines = ($epochs | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Trim() })
        $lines[0] | Should -Match 'Epoch +TrainLoss +Scores +Best +Samples/s +Time$'
        $lines[2] | Should -Match '0/3 +0\.90000 +PsnrY 28\.5000  SsimY 0\.8123 +\* '
        $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
    }

    It 'have one shape in a table of values, whether an epoch was validated or not' {
        $env:FAKE_UNSCORED = 0
        Start-Training -RunPath r | Export-Csv epochs.csv
        $rows = Import-Csv epochs.csv
        $rows.PsnrY | Should -Be '', '28.51', '28.52'
        $rows.Ssim | Should -Be '', '', ''
        $rows[1].Scores | Should -Be 'psnr_y=28.51;ssim_y=0.8123;psnr=26.5'
    }

    It 'are those of a run and of a measurement, in tables of 80 columns' {
        Start-Training -RunPath r | Out-Null
        $run = Get-TrainingRun r
        $run.TestPsnrY, $run.TestScores.ssim_y, $run.BestMetric | Should -Be 28.1234, 0.8123, psnr_y
        $run.PSObject.Properties['TestF1'] | Should -BeNullOrEmpty
        $score = Measure-Model r
        $score.PsnrY, $score.Scores.psnr | Should -Be 28.1234, 26.5
        $table = ($run | Out-String -Width 80)
        $table | Should -Match 'Name +State +Epochs +Metric +Best +Test +Used +RunPath'
        $table | Should -Match '3/3 PsnrY +0\.5300 28\.1234'
        $measured = ($score | Out-String -Width 80)
        $measured | Should -Match 'test +13 PsnrY 28\.1234  SsimY 0\.8123'
        "$table$measured".Split([Environment]::NewLine).Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
        foreach ($object in $run, $score, (Get-TrainingEpoch r | Select-Object -First 1)) {
            foreach ($name in $object.PSStandardMembers.DefaultDisplayPropertySet.ReferencedPropertyNames) { $object.PSObject.Properties[$name] | Should -Not -BeNullOrEmpty -Because $name }
        }
    }

    It 'of runs of several tasks stand in one table' {
        Start-Training -RunPath a | Out-Null
        $env:FAKE_TASK = 'change-detection'
        Start-Training -RunPath b | Out-Null
        $env:FAKE_TASK = 'super-resolution'
        Start-Training -RunPath c | Out-Null
        $lines = (Get-TrainingRun | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Trim() })
        $lines | Should -HaveCount 5
        $lines[2] | Should -Match ' PsnrY +0\.5300 28\.1234 '
        $lines[3] | Should -Match ' F1 +0\.5300 +0\.7700 '
        $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
    }

    It 'are told at the end of a training' {
        Start-Training -RunPath r -InformationVariable said | Out-Null
        "$said" | Should -BeLike '*3 of 3 epochs, test PsnrY 28.1234. *'
    }

    It 'leave the tables of change detection as they are' {
        $env:FAKE_TASK = 'change-detection'
        $epoch = Start-Training -RunPath r | Select-Object -Last 1
        $epoch.F1, $epoch.Scores.f1, $epoch.MeanIou | Should -Be 0.52, 0.52, $null
        ($epoch | Out-String -Width 80) | Should -Match 'Epoch +TrainLoss +F1 +IoU +Best +Samples/s +Wait +Skipped +Fails +Time'
    }
}

Describe 'Get-TrainingEpoch' {
    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
    }

    AfterEach { Pop-Location }

    It 'gives what Start-Training has written' {
        # A trainer of ours keeps a journal; the fake one's events are that journal.
        Use-FakeHost @{ EPOCH_SECONDS = 0.01 }
        $written = Start-Training -RunPath r
        & (Get-Item Env:ROBUSTTRAIN_HOST).Value train --run-path "$PWD/r" --events > r/events.ndjson
        $read = Get-TrainingRun r | Get-TrainingEpoch
        $read | Should -BeOfType RobustTrain.Cmdlets.Output.TrainingEpoch
        $read.Epoch | Should -Be 0, 1, 2
        $read.F1 | Should -Be 0.50, 0.51, 0.52
        $read.PSObject.Properties.Name | Should -Be $written.PSObject.Properties.Name
        $read[0].RunPath | Should -Be "$PWD/r"
    }

    It 'tells an epoch that was trained twice once, as it was trained last' {
        Use-FakeHost @{ EPOCH_SECONDS = 0.01 }
        Start-Training -RunPath r | Out-Null
        $lines = & (Get-Item Env:ROBUSTTRAIN_HOST).Value train --run-path "$PWD/r" --events
        $again = $lines | ForEach-Object { $_ -replace '"train_loss":0.9', '"train_loss":0.7' }
        Set-Content r/events.ndjson ($lines + $again)
        $read = Get-TrainingEpoch r
        $read.Epoch | Should -Be 0, 1, 2
        $read[0].TrainLoss | Should -Be 0.7
    }

    It 'follows a live run to its end' {
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; GATE = "$PWD/gate" }
        $epoch = '{{"event":"epoch_finished","time":"2026-01-01T00:00:0{0}+00:00","epoch":{0},"train_loss":0.5,"scores":null,"is_best":false,"learning_rate":0.001,"samples_per_second":1,"data_wait_share":0,"duration_seconds":1}}'
        $job = Start-Training -RunPath r -AsJob
        Wait-Fact { Test-Path r/run.json } | Should -BeTrue
        Set-Content r/events.ndjson '{"event":"run_started","time":"2026-01-01T00:00:00+00:00","run_id":"x","run_path":"/x","process_id":1,"epochs":3,"steps_per_epoch":10,"resumed_from_epoch":null}', ($epoch -f 0)
        $shell = [powershell]::Create()
        $output = [Management.Automation.PSDataCollection[psobject]]::new()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Get-TrainingEpoch '$PWD/r' -Wait")
        $waiting = $shell.BeginInvoke[psobject, psobject]([Management.Automation.PSDataCollection[psobject]]::new(), $output)
        Wait-Fact { $output.Count -eq 1 } | Should -BeTrue
        Add-Content r/events.ndjson ($epoch -f 1)
        Wait-Fact { $output.Count -eq 2 } | Should -BeTrue
        $waiting.IsCompleted | Should -BeFalse
        1..3 | ForEach-Object { Set-Content "gate$_" x }
        $shell.EndInvoke($waiting)
        $output.Epoch | Should -Be 0, 1
        $shell.Dispose()
        $job | Receive-Job -Wait -AutoRemoveJob | Out-Null
    }

    It 'says what is no run' {
        Get-TrainingEpoch . -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'RunNotFound,*'
    }
}

Describe 'Start-Training -StartFrom' {
    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls }
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
        Start-Training -RunPath old | Out-Null
        Set-Content old/config.yaml 'name: old'
    }

    AfterEach { Pop-Location }

    It 'takes a run''s settings where no configuration is given' {
        Start-Training -StartFrom old -RunPath new -Set trainer.epochs=2 | Out-Null
        Get-LastCall | Should -BeLike "train $PWD/old/config.yaml --set trainer.start_from=$PWD/old --set trainer.epochs=2 --run-path $PWD/new *"
        Get-TrainingRun old | ForEach-Object { Start-Training -StartFrom $_ -RunPath newer } | Out-Null
        Get-LastCall | Should -BeLike "train $PWD/old/config.yaml *"
    }

    It 'takes those of the run in which a checkpoint lies' {
        New-Item -ItemType Directory old/checkpoints/epoch-0001 | Out-Null
        Start-Training -StartFrom old/checkpoints/epoch-0001 -RunPath new | Out-Null
        Get-LastCall | Should -BeLike "train $PWD/old/config.yaml --set trainer.start_from=$PWD/old/checkpoints/epoch-0001 *"
    }

    It 'leaves a configuration that is given as it is, and a file of weights' {
        Start-Training my.yaml -StartFrom old -RunPath new | Out-Null
        Get-LastCall | Should -BeLike "train $PWD/my.yaml --set trainer.start_from=$PWD/old *"
        Set-Content w.safetensors x
        Start-Training -StartFrom w.safetensors -RunPath newer | Out-Null
        Get-LastCall | Should -BeLike "train --set trainer.start_from=$PWD/w.safetensors *"
    }
}

Describe 'Measure-LearningRate' {
    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls }
    }

    AfterEach {
        Pop-Location
        Remove-Item Env:FAKE_SUGGESTED -ErrorAction Ignore
    }

    It 'writes an object for each step, and marks the rate to train with' {
        $points = Measure-LearningRate my.yaml -BatchSize 4 -Steps 50 -MinimumLearningRate 1e-6 -MaximumLearningRate 2
        Get-LastCall | Should -BeLike "find-learning-rate $PWD/my.yaml --set loader.batch_size=4 --steps 50 --from 1E-06 --to 2 --events --life-line"
        $points.Step | Should -Be 0, 1, 2
        $points.Where({ $_.IsSuggested }).LearningRate | Should -Be 1e-3
        $lines = ($points | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Trim() })
        $lines[0] | Should -Match '^ +Step LearningRate +Loss SmoothedLoss Suggested'
        $lines[3] | Should -Match '1 +1\.000e-3 +0\.500000 +0\.600000 \*'
        $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
    }

    It 'warns where there is nothing to suggest' {
        $env:FAKE_SUGGESTED = 'null'
        $points = Measure-LearningRate my.yaml -WarningVariable warned -WarningAction SilentlyContinue
        $points.Where({ $_.IsSuggested }) | Should -BeNullOrEmpty
        "$warned" | Should -BeLike 'The loss never fell*'
    }
}
