# Super-resolution with the engine itself: sample data, a training of seconds, its scores beside bicubic interpolation.
BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    $isMissing = -not (Test-Path (Join-Path (Split-Path (Get-ModulePath)) 'host/robusttrain'))
}

Describe 'Super-resolution in PowerShell' -Skip:$isMissing {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
        $here = (New-Item -ItemType Directory (Join-Path $TestDrive super-resolution)).FullName
        Push-Location $here
        $data = New-SampleDataset data -Task super-resolution -Seed 2
        $settings = @{ 'model.features' = 4; 'model.blocks' = 1; 'trainer.total_iter' = 9; 'schedule.warmup_steps' = 2; 'data.enlarge_ratio' = 1; 'loader.num_workers' = 1; threads = 1 }
        $sample = Join-Path (Split-Path (Split-Path $PSScriptRoot)) samples/super-resolution.yaml
    }

    AfterAll { Pop-Location }

    It 'makes images for it' {
        $data.Task | Should -Be super-resolution
        $data.Scenes | Should -Be 66
        $data.DifferencingF1 | Should -BeNullOrEmpty
        (Get-ChildItem data/train/gt -Filter *.png).Count | Should -Be 48
    }

    It 'completes the task' {
        (TabExpansion2 'New-SampleDataset x -Task sup').CompletionMatches.CompletionText | Should -Contain super-resolution
    }

    It 'trains for so many steps, and scores the result beside bicubic interpolation' {
        $run = Start-Training $sample -DataPath data -RunPath run -Set $settings -PassThru
        $run.State | Should -Be Finished
        $score = Measure-Model run -DataPath data -Baseline
        $score.Samples | Should -Be 12
        $score.BicubicPsnrY | Should -BeGreaterThan 15
        $score.PsnrY | Should -BeGreaterThan 10
        $score.SsimY | Should -BeGreaterThan 0
        (Get-Content run/epochs/0001/losses.csv).Count | Should -Be 4 -Because 'nine steps are one epoch of six and three of the next'
    }

    It 'says which keys of change detection are not for it' {
        Start-Training $sample -DataPath data -RunPath other -Set @{ 'data.mean' = 0.5, 0.5, 0.5 } -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].Exception.Message | Should -BeLike '*each value must be 0*'
        Test-Path other | Should -BeFalse
    }
}
