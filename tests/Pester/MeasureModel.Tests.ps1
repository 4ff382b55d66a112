Describe 'Measure-Model' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls }
        $WarningPreference = 'SilentlyContinue'
    }

    AfterEach {
        Pop-Location
        Get-Leftover $folder | Should -BeNullOrEmpty
    }

    AfterAll { Use-RealHost }

    It 'writes the scores of a run''s best checkpoint on its test split' {
        $score = Measure-Model r
        Get-LastCall | Should -Be "evaluate $(Join-Path $PWD r) --split test --checkpoint best --events --life-line"
        $score | Should -BeOfType RobustTrain.Cmdlets.Output.ModelScore
        $score.F1 | Should -Be 0.77
        $score.Iou | Should -Be 0.6
        $score.MeanF1 | Should -Be 0.85
        $score.Samples | Should -Be 13
        $score.Epoch | Should -Be 2
        $score.Split | Should -Be test
        $score.DataPath | Should -Be /d
        $score.CheckpointPath | Should -Be /c/epoch-0002
        $score.DifferencingF1 | Should -BeNullOrEmpty
    }

    It 'takes runs from the pipeline: Get-TrainingRun | Sort-Object BestScore | Select-Object -First 1' {
        Start-Training -RunPath a -Epochs 3 | Out-Null
        Start-Training -RunPath b -Epochs 1 | Out-Null
        $score = Get-TrainingRun | Sort-Object BestScore | Select-Object -First 1 | Measure-Model -DataPath other
        $score.F1 | Should -Be 0.77
        Get-LastCall | Should -Be "evaluate $(Join-Path $PWD b) --data-path $(Join-Path $PWD other) --split test --checkpoint best --events --life-line"
    }

    It 'takes folders, texts and its own results from the pipeline' {
        New-Item -ItemType Directory 'run [1]' | Out-Null
        Get-Item -LiteralPath 'run [1]' | Measure-Model | Should -HaveCount 1
        Get-LastCall | Should -BeLike "evaluate $PWD$([IO.Path]::DirectorySeparatorChar)run ``[1``] --split*"
        'x', 'y' | Measure-Model | Should -HaveCount 2
        Measure-Model x | Measure-Model | Out-Null
        Get-LastCall | Should -BeLike "evaluate $($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath('/c/epoch-0002')) *"
    }

    It 'passes -<Parameter> on as <Option>' -ForEach @(
        @{ Parameter = 'DataPath'; Value = '../d'; Option = { "--data-path $(Join-Path (Split-Path $PWD) d)" } }
        @{ Parameter = 'Split'; Value = 'Val'; Option = { '--split val' } }
        @{ Parameter = 'Checkpoint'; Value = 'Latest'; Option = { '--checkpoint latest' } }
        @{ Parameter = 'ConfigurationPath'; Value = 'my.yaml'; Option = { "--config $(Join-Path $PWD my.yaml)" } }
        @{ Parameter = 'Device'; Value = 1; Option = { '--device cuda:1' } }
        @{ Parameter = 'Set'; Value = @{ 'loader.eval_batch_size' = 4 }; Option = { '--set loader.eval_batch_size=4' } }
        @{ Parameter = 'Baseline'; Value = $true; Option = { '--baseline' } }
        @{ Parameter = 'PicturePath'; Value = 'pictures'; Option = { "--pictures $(Join-Path $PWD pictures)" } }
    ) {
        $parameters = @{ $Parameter = $Value }
        Measure-Model r @parameters | Out-Null
        Get-LastCall | Should -BeLike "*$(& $Option) *"
    }

    It 'shows what thresholded differencing reaches beside it' {
        $env:FAKE_BASELINE = 0.31
        (Measure-Model r -Baseline).DifferencingF1 | Should -Be 0.31
        Measure-Model r -Baseline | Out-String -Width 200 | Should -Match 'F1.*DifferencingF1'
    }

    It 'warns with the engine''s own words' {
        Measure-Model r -WarningVariable warnings | Out-Null
        $warnings.Message | Should -Be 'The best checkpoint is damaged.'
    }

    It 'fails with the engine''s sentence and id, and goes on with the next' {
        $env:FAKE_END = 'missing'
        'x', 'y' | Measure-Model -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure.Count | Should -Be 2
        $failure[0].FullyQualifiedErrorId | Should -Be 'CheckpointNotFound,RobustTrain.Cmdlets.Commands.MeasureModelCommand'
        $failure[0].CategoryInfo.Category | Should -Be ObjectNotFound
        $failure[1].TargetObject | Should -Be (Join-Path $PWD y)
    }

    It 'is ended by PowerShell.Stop' {
        $env:FAKE_STEPS = 1000
        $env:FAKE_EPOCH_SECONDS = 0.1
        $shell = [powershell]::Create()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Measure-Model '$folder/r'")
        [void] $shell.BeginInvoke()
        Wait-Fact { $shell.Streams.Progress.Count } | Should -BeTrue
        $shell.Stop()
        $shell.Dispose()
        Get-Leftover "$folder/" | Should -BeNullOrEmpty
    }
}
