Describe 'Completion' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        function Complete([string] $Text) { (TabExpansion2 $Text).CompletionMatches.CompletionText }
        Use-FakeHost @{ EPOCH_SECONDS = 0.01 }
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive completion))
        Start-Training -RunPath runs/one -WarningAction Ignore | Out-Null
        Start-Training -RunPath 'runs/it''s two' -WarningAction Ignore | Out-Null
    }

    AfterAll {
        Pop-Location
        Use-RealHost
    }

    It 'offers the values that the configuration allows: <Text>' -ForEach @(
        @{ Text = 'Start-Training -Model '; Expected = 'fc-siam-diff', 'fc-siam-conc' }
        @{ Text = 'Start-Training -Dataset '; Expected = 'air-change', 'change-pairs' }
        @{ Text = 'Start-Training -Optimizer a'; Expected = 'adam', 'adamw' }
        @{ Text = 'Start-Training -Criterion f'; Expected = 'focal', 'focal-dice' }
        @{ Text = 'Start-Training -Schedule '; Expected = 'constant', 'polynomial', 'cosine', 'step' }
        @{ Text = 'Test-TrainingConfig -Model fc-siam-c'; Expected = 'fc-siam-conc' }
        @{ Text = 'Start-Training -Resume '; Expected = 'Auto', 'Never', 'Require' }
        @{ Text = 'Get-TrainingRun -State F'; Expected = 'Failed', 'Finished' }
        @{ Text = 'Start-Training -OnFailure '; Expected = 'fail', 'skip', 'rollback' }
        @{ Text = 'Start-Training -WorkerKind '; Expected = 'thread', 'process' }
        @{ Text = 'Start-Training -NumWorkers '; Expected = 'auto' }
        @{ Text = 'Measure-DataLoader -NumWorkers '; Expected = 'auto' }
        @{ Text = 'Start-Training -PrefetchMode '; Expected = 'none', 'cpu', 'cuda' }
        @{ Text = 'Start-Training -OnBadSample '; Expected = 'fail', 'skip' }
        @{ Text = 'Measure-DataLoader -WorkerKind '; Expected = 'Thread', 'Process' }
        @{ Text = 'Measure-DataLoader -Dataset '; Expected = 'air-change', 'change-pairs' }
        @{ Text = 'Measure-DataLoader -Fault s'; Expected = 'stop:0.01', 'segfault:0.01', 'stall:0.005' }
        @{ Text = 'Measure-Model r -Split '; Expected = 'Test', 'Train', 'Val' }
        @{ Text = 'Export-Model r o -Format '; Expected = 'Onnx', 'SafeTensors' }
        @{ Text = 'Invoke-Model r -Checkpoint '; Expected = 'Best', 'Latest' }
        @{ Text = 'New-TrainingConfig c.yaml -Task '; Expected = 'change-detection' }
    ) {
        $matches = Complete $Text
        foreach ($value in $Expected) { $matches | Should -Contain $value }
    }

    It 'offers the keys of -Set, and after the equals sign their values' {
        Complete 'Start-Training -Set ' | Should -Contain 'optimizer.learning_rate='
        Complete 'Start-Training -Set loader.d' | Should -Be 'loader.drop_last='
        Complete 'Start-Training -Set loader.drop_last=' | Should -Be 'loader.drop_last=true', 'loader.drop_last=false'
        Complete 'Start-Training -Set criterion.name=d' | Should -Be 'criterion.name=dice'
        Complete 'Measure-Model r -Set model.n' | Should -Be 'model.name='
        Complete 'Start-Training -Set stages.' | Should -Be 'stages.epoch-', 'stages.step-'
        Complete 'Start-Training -Set stages.epoch-20' | Should -Be 'stages.epoch-20.'
        Complete 'Start-Training -Set stages.epoch-20.data.cr' | Should -Be 'stages.epoch-20.data.crop_size='
        Complete 'Start-Training -Set stages.epoch-20.' | Should -Contain 'stages.epoch-20.trainer.freeze='
        foreach ($fixed in 'model.', 'data.mea', 'trainer.e', 'seed', 'stages.') { @(Complete "Start-Training -Set stages.epoch-20.$fixed") -like 'stages.*' | Where-Object { $_ -notlike '*ema_decay=' } | Should -BeNullOrEmpty }
        Complete 'Start-Training -Set stages.step-9.criterion.name=d' | Should -Be 'stages.step-9.criterion.name=dice'
    }

    It 'offers the names of plug-ins, by the real executable' {
        Use-RealHost
        try {
            $plugin = Join-Path $PSScriptRoot ../Unit/bin/Release/net10.0/Squares.dll | Convert-Path
            Set-Content plugin.yaml "plugins: ['$plugin']"
            Complete 'Start-Training plugin.yaml -Model Squares:' | Should -Be 'Squares:difference-net'
            Complete 'Start-Training plugin.yaml -Set criterion.name=Sq' | Should -Be 'criterion.name=Squares:tversky'
            Complete "Start-Training -Set 'plugins=[nowhere.dll]' -Model fc-siam-c" | Should -Be fc-siam-conc
        } finally { Use-FakeHost @{ EPOCH_SECONDS = 0.01 } }
    }

    It 'explains each key' {
        (TabExpansion2 'Start-Training -Set seed').CompletionMatches[0].ToolTip | Should -Match 'seed from which'
    }

    It 'offers devices' {
        Complete 'Start-Training -Device ' | Should -Contain cpu
        Complete 'Measure-Model r -Device a' | Should -Be auto
    }

    It 'offers the runs below the current folder, quoted where they have to be: <_>' -ForEach 'Stop-Training ', 'Get-TrainingRun ', 'Measure-Model ', 'Start-Training -RunPath ', 'Invoke-Model ', 'Export-Model ', 'Remove-TrainingRun ', 'Wait-Training ', 'Get-TrainingEvent ', 'Compare-TrainingRun ' {
        Complete $_ | Should -Be '''runs/it''''s two''', 'runs/one'
    }

    It 'says how a run stands' {
        (TabExpansion2 'Stop-Training runs/o').CompletionMatches[0].ToolTip | Should -Be 'fake: Finished, 3 of 3 epochs'
    }
}
