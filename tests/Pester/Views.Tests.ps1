Describe 'A view' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive 'a folder of some length/and another of some length/and one more of some length')
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
        $epoch = Start-Training -RunPath a-run -Name 'a name of more letters than a column has' | Select-Object -Last 1
        $run = Get-TrainingRun a-run
        $score = Measure-Model $run
        $measured = Measure-DataLoader my.yaml | Select-Object -First 1
        $data = New-SampleDataset d
        # The lines of a table, without those around it.
        function Get-Line($InputObject, $Width = 80) { ($InputObject | Out-String -Width $Width).Split([Environment]::NewLine).Where({ $_.Trim() }) }
        # What a view shows of an object, with other values.
        function Get-Copy($InputObject, [hashtable] $Values) {
            $copy = $InputObject | Select-Object -Property *
            $copy.PSTypeNames.Insert(0, $InputObject.PSTypeNames[0])
            foreach ($name in $Values.Keys) { $copy.$name = $Values[$name] }
            $copy
        }
    }

    AfterAll {
        Pop-Location
        Use-RealHost
    }

    It 'of an epoch shows losses and times of any size whole' -ForEach @(
        @{ Values = @{ TrainLoss = 123456.789; DurationSeconds = 400000.0 }; Expected = '123456.79', '111:06:40' }
        @{ Values = @{ TrainLoss = 1.23456e+15 }; Expected = , '1.23E+15' }
        @{ Values = @{ TrainLoss = -98765432.1 }; Expected = , '-98765432' }
        @{ Values = @{ TrainLoss = 0.0000012345 }; Expected = , '1.23E-6' }
        @{ Values = @{ TrainLoss = [double]::NaN }; Expected = , 'NaN' }
        @{ Values = @{ Epoch = 99998; Epochs = 99999 }; Expected = , '99998/99999' }
        @{ Values = @{ SamplesPerSecond = 12345678.9 }; Expected = , '12345679' }
    ) {
        $lines = Get-Line (Get-Copy $epoch $Values)
        $lines | Should -HaveCount 3
        foreach ($text in $Expected) { $lines[2] | Should -BeLike "*$text*" }
        $lines[2] | Should -Not -Match '…'
        $lines[0] | Should -Match 'Epoch +TrainLoss +F1 +IoU +Best +Samples/s +Wait +Skipped +Fails +Time'
    }

    It 'of a run has all its columns, and cuts the path on the left' {
        $lines = Get-Line (Get-Copy $run @{ State = 'Interrupted'; Epochs = 1000; EpochsDone = 999 })
        $lines[0] | Should -Match '^Name +State +Epochs +Metric +Best +Test +Used +RunPath$'
        $lines[2] | Should -Match '^a name of mor… Interrupted 999/1000 F1 +0\.5300 0\.7700 CPU 1\.00 h …[^…]*$'
        (Get-Line $run 400)[2] | Should -BeLike "*$(Join-Path $PWD a-run)"
    }

    It 'of a score has all its columns, and cuts the path on the left' {
        $lines = Get-Line (Get-Copy $score @{ CheckpointPath = "$PWD/checkpoints/epoch-0002" })
        $lines[0] | Should -Match '^Split +F1 +IoU +Precision +Recall +DifferencingF1 +CheckpointPath$'
        $lines[2] | Should -Match '^test  0\.7700 0\.6000 +0\.8000 0\.7500 +….*/checkpoints/epoch-0002$'
    }

    It 'of a loader''s measurement has all its columns' {
        $lines = Get-Line (Get-Copy $measured @{ Delivered = 123456789; SamplesPerSecond = 987654.3; FirstBatchMilliseconds = 12345678.9 })
        $lines[0] | Should -Match '^Kind +Workers +Samples/s +First ms +Delivered +Skipped +Lost +Failures +Digest$'
        $lines[2] | Should -Match '987654 +12345679 123456789 .* 01234567'
    }

    It 'of sample data shows any seed whole, and cuts the path on the left' {
        $lines = Get-Line (Get-Copy $data @{ Seed = [long]::MaxValue; Path = "$PWD/data" })
        $lines[2] | Should -Match '9223372036854775807 +….*/data$'
    }

    It 'of a GPU has one line in 80 columns, whatever its name' {
        $gpu = Get-GpuStatus -Source simulated:1
        foreach ($name in 'NVIDIA H100 80GB HBM3', 'NVIDIA RTX PRO 6000 Blackwell Server Edition', 'Tesla T4') {
            $lines = Get-Line (Get-Copy $gpu @{ Name = $name; ComputerName = 'node'; ThrottleReasons = '' })
            $lines | Should -HaveCount 3 -Because $name
        }
        [RobustTrain.Cmdlets.Output.StatusCell]::Name('NVIDIA RTX PRO 6000 Blackwell Server Edition') | Should -Be 'RTX PRO 6000 …'
        [RobustTrain.Cmdlets.Output.StatusCell]::Name('NVIDIA H100 80GB HBM3') | Should -Be 'H100 80GB HBM3'
    }

    It 'fits 80 columns: <_>' -ForEach { $epoch }, { $run }, { $score }, { $measured }, { $data }, { Get-TrainingRun a-run -History } {
        $lines = Get-Line (& $_)
        $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
    }

    It 'as a list has at most ten lines: <_>' -ForEach { $epoch }, { $run }, { $score }, { $measured }, { $data }, { Get-TrainingRun a-run -History }, { Get-CpuStatus -Window 0.05 }, { Get-GpuStatus -Source simulated:1 } {
        $object = & $_
        $names = $object.PSStandardMembers.DefaultDisplayPropertySet.ReferencedPropertyNames
        $names.Count | Should -BeIn (5..10)
        foreach ($name in $names) { $object.PSObject.Properties[$name] | Should -Not -BeNullOrEmpty -Because $name }
        ($object | Format-List | Out-String -Width 500).Split([Environment]::NewLine).Where({ $_.Trim() }).Count | Should -Be $names.Count
    }
}
