# Segmentation and classification in PowerShell, with the engine itself on its own sample data: trainings of seconds.
BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    $isMissing = -not (Test-Path (Join-Path (Split-Path (Get-ModulePath)) 'host/robusttrain'))
}

Describe '<Task> in PowerShell' -Skip:$isMissing -ForEach @(
    @{
        Task = 'segmentation'; Parts = 12; Metric = 'MeanIou'
        Keys = 'data.label_palette=indices', 'data.crop_size=32', 'model.classes=4', 'model.base_channels=2', 'loader.batch_size=24'
    }
    @{
        Task = 'classification'; Parts = 21; Metric = 'Accuracy'
        Keys = 'data.image_size=16', 'model.stem=small', 'model.base_channels=2', 'loader.batch_size=105'
    }
) {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
        $here = (New-Item -ItemType Directory (Join-Path $TestDrive $Task)).FullName
        Push-Location $here
        $data = New-SampleDataset data -Task $Task
        New-TrainingConfig c.yaml -Task $Task -DataPath data -Set ($Keys + 'threads=1', 'loader.num_workers=1', 'trainer.epochs=2', 'trainer.log_interval_seconds=0') | Out-Null
    }

    AfterEach { Wait-Fact { -not (Get-Leftover "$here/") } | Should -BeTrue -Because 'no process may be left' }

    AfterAll { Pop-Location }

    It 'has sample data' {
        $data.Task, $data.Scenes, $data.Path | Should -Be $Task, $Parts, (Join-Path $here data)
        $data.DifferencingF1 | Should -BeNullOrEmpty
    }

    It 'is checked' {
        $test = Test-TrainingConfig c.yaml
        $test.Valid | Should -BeTrue
        $test.TrainingSamples, $test.ValidationSamples, $test.TestSamples | Should -Be ($Task -eq 'segmentation' ? (96, 24, 24) : (840, 168, 168))
        (Test-TrainingConfig c.yaml -Set 'model.name=hanet').Errors.Key | Should -Be 'model.name'
    }

    It 'is trained, scored, drawn and exported' {
        Start-Training c.yaml -RunPath run -WarningAction SilentlyContinue -InformationAction SilentlyContinue | Out-Null
        $run = Get-TrainingRun run
        $run.State | Should -Be Finished
        $run.BestScore | Should -BeGreaterThan 0
        $score = Measure-Model run -PicturePath pictures
        $score.$Metric | Should -BeGreaterThan 0
        (Get-ChildItem pictures).Name | Should -Contain confusion.png
        (Get-ChildItem pictures -Filter worst-*).Count | Should -BeGreaterThan 0
        Export-Model run -OutputPath m.onnx | ForEach-Object LargestDifference | Should -BeLessOrEqual 1e-4
    }
}
