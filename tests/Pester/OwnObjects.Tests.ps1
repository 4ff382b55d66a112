Describe 'An own object in a path''s or a name''s place' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive own))
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
        $epoch = Start-Training -RunPath 'run [1]' -Name first | Select-Object -Last 1
        $run = Get-TrainingRun -LiteralPath 'run [1]'
        $folder = Get-Item -LiteralPath 'run [1]'
        $score = Measure-Model -LiteralPath 'run [1]'
        $data = New-SampleDataset d
        $test = Test-TrainingConfig my.yaml
        $job = Start-Training -RunPath 'run [1]' -AsJob | Wait-Job
        $gpu = Get-GpuStatus -Source simulated:4 -Index 3
        $cpu = Get-CpuStatus -Window 0.05
        $monitor = Start-Monitor -Kind Gpu -Source simulated:1 -Interval 0.2
        $saved = $run | ConvertTo-Json | ConvertFrom-Json
    }

    AfterAll {
        Get-Job | Remove-Job -Force
        Pop-Location
        Use-RealHost
    }

    It 'calls robusttrain as the path would: <Call>' -ForEach @(
        @{ Call = { Start-Training $run }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { $run | Start-Training }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { $epoch | Start-Training }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { Start-Training $folder }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { Start-Training -RunPath $run }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { Start-Training -RunPath $job }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { Start-Training $saved }; Expected = 'train --run-path {0}/run [1] --events --life-line' }
        @{ Call = { Start-Training $run -RunPath again }; Expected = 'train {0}/run [1]/config.yaml --run-path {0}/again --events --life-line' }
        @{ Call = { Start-Training $test -RunPath r -Device cpu }; Expected = 'train {0}/my.yaml --set device=cpu --run-path {0}/r --events --life-line' }
        @{ Call = { Start-Training -DataPath $data -RunPath r }; Expected = 'train --set data.path=/d --run-path {0}/r --events --life-line' }
        @{ Call = { $data | Start-Training -RunPath r }; Expected = 'train --set data.path=/d --run-path {0}/r --events --life-line' }
        @{ Call = { Start-Training -StartFrom $run -RunPath r }; Expected = 'train {0}/run [1]/config.yaml --set trainer.start_from="{0}/run [1]" --run-path {0}/r --events --life-line' }
        @{ Call = { Start-Training -StartFrom $score -RunPath r }; Expected = 'train --set trainer.start_from=/c/epoch-0002 --run-path {0}/r --events --life-line' }
        @{ Call = { Start-Training -Device $gpu -RunPath r }; Expected = 'train --set device=cuda:3 --run-path {0}/r --events --life-line' }
        @{ Call = { $gpu | Start-Training my.yaml -RunPath r }; Expected = 'train {0}/my.yaml --set device=cuda:3 --run-path {0}/r --events --life-line' }
        @{ Call = { Test-TrainingConfig $run }; Expected = 'config check {0}/run [1]/config.yaml --events --life-line' }
        @{ Call = { Measure-Model $run }; Expected = 'evaluate {0}/run [1] --split test --checkpoint best --events --life-line' }
        @{ Call = { Measure-Model $folder }; Expected = 'evaluate {0}/run [1] --split test --checkpoint best --events --life-line' }
        @{ Call = { Measure-Model $job }; Expected = 'evaluate {0}/run [1] --split test --checkpoint best --events --life-line' }
        @{ Call = { Measure-Model $score }; Expected = 'evaluate /c/epoch-0002 --split test --checkpoint best --events --life-line' }
        @{ Call = { Measure-Model $run -DataPath $data -Device $gpu }; Expected = 'evaluate {0}/run [1] --data-path /d --split test --checkpoint best --device cuda:3 --events --life-line' }
        @{ Call = { Measure-DataLoader $run }; Expected = 'loader {0}/run [1]/config.yaml --epochs 1 --split train --events --life-line' }
        @{ Call = { Measure-DataLoader -DataPath $data }; Expected = 'loader --set data.path=/d --epochs 1 --split train --events --life-line' }
        @{ Call = { Measure-DataLoader -ImagePath $folder }; Expected = 'loader --images {0}/run [1] --epochs 1 --split train --events --life-line' }
        @{ Call = { New-SampleDataset $folder }; Expected = 'sample-data {0}/run [1] --seed 0 --events --life-line' }
    ) {
        & $Call | Out-Null
        Get-LastCall | Should -Be ($Expected -replace '\{0\}', $PWD)
    }

    It 'finds the run: <_>' -ForEach { Get-TrainingRun $run }, { Get-TrainingRun $epoch }, { Get-TrainingRun $job }, { Get-TrainingRun $folder }, { Get-TrainingRun -LiteralPath $run }, { Get-TrainingRun $saved }, { Get-TrainingRun -Name (Get-TrainingRun $run) }, { Stop-Training $run -PassThru }, { Stop-Training $job -PassThru }, { $folder | Stop-Training -PassThru } {
        (& $_ | Where-Object RunPath -like '*run `[1`]').RunPath | Should -Be $folder.FullName
    }

    It 'finds the monitor: <_>' -ForEach { Get-Monitor $monitor }, { $monitor | Get-Monitor }, { Get-Monitor -Name $monitor.Name }, { $monitor.Name | Get-Monitor }, { Get-Monitor $monitor, $monitor | Select-Object -First 1 } {
        (& $_).InstanceId | Should -Be $monitor.InstanceId
    }

    It 'stops just the monitor that it is given, whatever others are called' {
        $twin = Start-Monitor -Kind Gpu -Source simulated:1 -Name twin
        $other = Start-Monitor -Kind Gpu -Source simulated:1 -Name twin
        Stop-Monitor $twin
        $twin.State, $other.State | Should -Be Stopped, Running
        $other.Name | Stop-Monitor
        $other.State | Should -Be Stopped
    }

    It 'stops a job of this shell until the job says so' {
        $env:FAKE_EPOCHS = 1000
        $live = Start-Training -RunPath live -AsJob
        Wait-Fact { $live.Output.Count } | Should -BeTrue
        Stop-Training $live
        $live.State | Should -Be Stopped
        Remove-Item env:FAKE_EPOCHS
    }

    It 'reads the host and the GPU that an object tells' {
        (Get-GpuStatus $gpu -Source simulated:4).Index | Should -Be 3
        ($gpu | Get-GpuStatus -Source simulated:4).Index | Should -Be 3
        (Get-CpuStatus -ComputerName $cpu -Window 0.05).ComputerName | Should -Be $cpu.ComputerName
        ($cpu.ComputerName | Get-GpuStatus -Source simulated:4).Count | Should -Be 4
        ($cpu.ComputerName | Get-CpuStatus -Window 0.05).ComputerName | Should -Be $cpu.ComputerName
    }

    It 'takes texts from the pipeline as configurations, folders and hosts' {
        'a.yaml', 'b.yaml' | Start-Training -Epochs 1 -RunPath { "runs/$_" } | Out-Null
        @(Get-Content $env:FAKE_CALLS)[-2, -1] | Should -Be "train $PWD/a.yaml --set trainer.epochs=1 --run-path $PWD/runs/a.yaml --events --life-line", "train $PWD/b.yaml --set trainer.epochs=1 --run-path $PWD/runs/b.yaml --events --life-line"
        ('a.yaml', 'b.yaml' | Test-TrainingConfig).ConfigurationPath | Should -Be "$PWD/a.yaml", "$PWD/b.yaml"
        'my.yaml' | Measure-DataLoader | Out-Null
        Get-LastCall | Should -BeLike "loader $PWD/my.yaml *"
        'd' | New-SampleDataset | Out-Null
        Get-LastCall | Should -BeLike "sample-data $PWD/d *"
        ('runs/a.yaml' | Stop-Training -PassThru).State | Should -Be Finished
    }

    It 'is refused in one sentence where it has nothing of the kind: <_>' -ForEach { Start-Training $gpu }, { Stop-Training $gpu }, { Get-TrainingRun $monitor }, { Measure-Model $cpu }, { Measure-DataLoader -DataPath $gpu }, { Get-CpuStatus -ComputerName $run.PSObject } {
        { & $_ } | Should -Throw
    }

    It 'is refused where its property has no value, and nothing else stands for it' {
        $lost = [pscustomobject]@{ Index = 2; Device = $null }
        { Start-Training my.yaml -Device $lost } | Should -Throw '*no value in its property Device*'
        { Measure-Model ([pscustomobject]@{ RunPath = '' }) } | Should -Throw '*no value in its property RunPath*'
    }

    It 'says which properties it looked for' {
        { Measure-Model $cpu } | Should -Throw '*A CpuStatus is not what is expected here*CheckpointPath, RunPath, FullName*'
    }
}

Describe 'A -Path' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive path))
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
        'run [x]', 'run x', 'other' | ForEach-Object { Start-Training -RunPath $_ | Out-Null }
        New-Item -ItemType Directory 'run y' | Out-Null
    }

    AfterAll {
        Pop-Location
        Use-RealHost
    }

    It 'takes wildcards and escapes' {
        (Get-TrainingRun 'run [x]').RunPath | Should -Be "$PWD/run x"
        (Get-TrainingRun 'run `[x`]').RunPath | Should -Be "$PWD/run [x]"
        Start-Training -RunPath 'run [z]' | Out-Null
        (Get-TrainingRun 'run [z]').RunPath | Should -Be "$PWD/run [z]" -Because 'nothing else matches it'
        Remove-Item -LiteralPath 'run [z]' -Recurse
        Get-TrainingRun 'nothing*' -WarningVariable told -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$told" | Should -Be "No folder matches 'nothing*', so nothing was done with it."
        (Stop-Training 'run `[x`]' -PassThru).RunPath | Should -Be "$PWD/run [x]"
        (Stop-Training 'run*' -PassThru).RunPath | Should -Be "$PWD/run [x]", "$PWD/run x"
        Measure-Model 'run `[x`]' | Out-Null
        Get-LastCall | Should -BeLike "evaluate $PWD/run ``[x``] *"
        Measure-Model 'o*' | Should -HaveCount 1
        Get-LastCall | Should -BeLike "evaluate $PWD/other *"
    }

    It 'takes neither as -LiteralPath' {
        (Get-TrainingRun -LiteralPath 'run [x]').RunPath | Should -Be "$PWD/run [x]"
        (Stop-Training -LiteralPath 'run [x]' -PassThru).RunPath | Should -Be "$PWD/run [x]"
        (Stop-Training -RunPath 'run [x]' -PassThru).RunPath | Should -Be "$PWD/run [x]"
        Measure-Model -LiteralPath 'run [x]' | Out-Null
        Get-LastCall | Should -BeLike "evaluate $PWD/run ``[x``] *"
    }

    It 'is completed with escapes where it takes them, and without where it does not' {
        (TabExpansion2 'Get-TrainingRun run').CompletionMatches.CompletionText | Should -Be '''run `[x`]''', '''run x'''
        (TabExpansion2 'Measure-Model run').CompletionMatches.CompletionText | Should -Contain '''run `[x`]'''
        (TabExpansion2 'Stop-Training run').CompletionMatches.CompletionText | Should -Contain '''run `[x`]'''
        (TabExpansion2 'Get-TrainingRun -LiteralPath run').CompletionMatches.CompletionText | Should -Contain '''run [x]'''
        (TabExpansion2 'Start-Training -RunPath run').CompletionMatches.CompletionText | Should -Contain '''run [x]'''
        foreach ($match in (TabExpansion2 'Get-TrainingRun run').CompletionMatches) {
            @(Invoke-Expression "Get-TrainingRun $($match.CompletionText)") | Should -HaveCount 1
        }
    }
}
