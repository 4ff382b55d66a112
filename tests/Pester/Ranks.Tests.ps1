Describe 'Start-Training on ranks' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
    }

    Context 'what it asks of the executable' {
        BeforeEach {
            $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
            Push-Location $folder
            Use-FakeHost @{ EPOCH_SECONDS = 0.02; CALLS = Join-Path $folder calls }
            $WarningPreference = 'SilentlyContinue'
        }

        AfterEach { Pop-Location }
        AfterAll { Use-RealHost }

        It 'hands on ranks, hosts and what to do where one is lost' {
            Start-Training -RunPath r -Ranks 4 -ComputerName gpu01, gpu02 -RanksPerHost 2 -Restart -Rejoin | Out-Null
            Get-LastCall | Should -BeLike '*--ranks 4 --hosts gpu01,gpu02 --ranks-per-host 2 --restart --rejoin*'
        }

        It 'says nothing of ranks where none are asked for' {
            Start-Training -RunPath r | Out-Null
            Get-LastCall | Should -Not -BeLike '*--ranks*'
        }

        It 'refuses no rank at all' { { Start-Training -RunPath r -Ranks 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationError*' }

        It 'completes hosts from the ssh configuration' {
            (Get-Command Start-Training).Parameters['ComputerName'].Attributes.Where({ $_ -is [Management.Automation.ArgumentCompleterAttribute] }).Type.Name | Should -Be SshHostCompleter
        }
    }

    Context 'with MPI' -Skip:(-not (Get-Command mpiexec.mpich -ErrorAction Ignore)) {
        BeforeAll {
            Push-Location $TestDrive
            New-SampleDataset data -Task classification | Out-Null
            $settings = @{ Set = @{ task = 'classification'; 'data.path' = 'data'; 'data.image_size' = 24; 'model.name' = 'resnet18'; 'model.stem' = 'small'; 'trainer.shards' = 2 }; Epochs = 1; Threads = 1; BatchSize = 32; NumWorkers = 1 }
        }

        AfterAll { Pop-Location }

        It 'gives the same epoch on two ranks as on one, and leaves nothing' {
            $one = Start-Training @settings -RunPath one -WarningAction Ignore
            $two = Start-Training @settings -RunPath two -Ranks 2 -WarningAction Ignore
            $LASTEXITCODE | Should -Be 0
            $two.TrainLoss | Should -Be $one.TrainLoss
            (Get-FileHash two/checkpoints/epoch-0000/*.safetensors).Hash | Should -Be (Get-FileHash one/checkpoints/epoch-0000/*.safetensors).Hash
            Get-Leftover $TestDrive | Should -BeNullOrEmpty
        }

        It 'names the rank for which the others waited' {
            $run = Get-TrainingRun two
            $run.Ranks | Should -Be 2
            $run.SlowestRank | Should -BeIn 0, 1
            $run.SlowestRankHost | Should -Be ([Environment]::MachineName)
            $run.SlowestRankRatio | Should -BeGreaterThan 0
            (Get-TrainingRun one).Ranks | Should -BeNullOrEmpty
        }

        It 'says in its own words what cannot be, before anything is created' {
            { Start-Training @settings -RunPath three -Ranks 3 -ErrorAction Stop } | Should -Throw '*3 ranks, which do not divide trainer.shards*'
            { Start-Training @settings -RunPath three -Ranks 4 -RanksPerHost 2 -ErrorAction Stop } | Should -Throw '-Ranks is 4, but 1 hosts with at most 2 ranks each (-RanksPerHost) have room for 2.'
            { Start-Training @settings -RunPath three -Ranks 3 -WhatIf -ErrorAction Stop } | Should -Throw '*3 ranks, which do not divide trainer.shards*'
            'three' | Should -Not -Exist
        }
    }
}
