Describe 'Measure-DataLoader' {
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

    It 'writes an object for each measurement as it ends' {
        $measured = Measure-DataLoader my.yaml
        Get-LastCall | Should -Be "loader $PWD/my.yaml --epochs 1 --split train --events --life-line"
        $measured | Should -HaveCount 2
        $measured[0] | Should -BeOfType RobustTrain.Cmdlets.Output.DataLoaderMeasurement
        $measured.Workers | Should -Be 1, 2
        $measured[1].SamplesPerSecond | Should -Be 2234.5
        $measured[0].WorkerMemoryBytes | Should -Be 50MB
        $measured[0].DataWaitPercent | Should -Be 50
        $measured[0].SlotWaitSeconds | Should -Be 0.25
        $measured[0].Delivered, $measured[0].Retried, $measured[0].Skipped, $measured[0].Lost | Should -Be 3741, 7, 3, 0
        $measured[0].Digest | Should -Be 0123456789abcdef
    }

    It 'tells no rate where a measurement is too short for one' {
        $env:FAKE_SHORT = 1
        $measured = Measure-DataLoader my.yaml
        $measured[0].SamplesPerSecond | Should -BeNullOrEmpty
        $measured[0].LongestWaitMilliseconds | Should -BeNullOrEmpty
        $measured[0].Delivered | Should -Be 3741
        $measured | Out-String -Width 80 | Should -Not -Match 'NaN|∞'
    }

    It 'passes -<Parameter> on as <Option>' -ForEach @(
        @{ Parameter = 'DatasetPath'; Value = '../d'; Option = { "--set data.path=$(Split-Path $PWD)/d" } }
        @{ Parameter = 'Dataset'; Value = 'change-pairs'; Option = { '--set data.dataset=change-pairs' } }
        @{ Parameter = 'ImagePath'; Value = 'i'; Option = { "--images $PWD/i" } }
        @{ Parameter = 'Integers'; Value = 100; Option = { '--integers 100' } }
        @{ Parameter = 'NumWorkers'; Value = 0, 2, 'auto'; Option = { '--workers 0 --workers 2 --workers auto' } }
        @{ Parameter = 'WorkerKind'; Value = 'Thread', 'Process'; Option = { '--kind thread --kind process' } }
        @{ Parameter = 'BatchSize'; Value = 16; Option = { '--set loader.batch_size=16' } }
        @{ Parameter = 'PrefetchQueueLength'; Value = 5; Option = { '--set loader.prefetch_queue_length=5' } }
        @{ Parameter = 'TimeoutSeconds'; Value = 0.5; Option = { '--set loader.timeout_seconds=0.5' } }
        @{ Parameter = 'Epochs'; Value = 3; Option = { '--epochs 3' } }
        @{ Parameter = 'Split'; Value = 'Val'; Option = { '--split val' } }
        @{ Parameter = 'Fault'; Value = 'kill:0.01', 'stall:0.005'; Option = { '--fault kill:0.01,stall:0.005' } }
        @{ Parameter = 'Set'; Value = @{ 'loader.max_errors' = 4 }; Option = { '--set loader.max_errors=4' } }
    ) {
        $parameters = @{ $Parameter = $Value }
        Measure-DataLoader my.yaml @parameters | Out-Null
        Get-LastCall | Should -BeLike "*$(& $Option) *"
    }

    It 'passes -CropSize on with -ImagePath, whose crops it sizes' {
        Measure-DataLoader -ImagePath i -CropSize 64 | Out-Null
        Get-LastCall | Should -BeLike "loader --images $PWD/i --crop-size 64 *"
    }

    It 'takes datasets from the pipeline' {
        New-SampleDataset x | Measure-DataLoader -BatchSize 4 | Out-Null
        Get-LastCall | Should -BeLike 'loader --set data.path=/d --set loader.batch_size=4 *'
    }

    It 'shows a table that says whether anything was lost' {
        Measure-DataLoader my.yaml | Out-String -Width 200 | Should -Match 'Samples/s.*Skipped\s+Lost\s+Failures\s+Digest[\s\S]*process.*1234[\s\S]*01234567'
    }

    It 'warns where workers were given up, and tells the rest with -Verbose' {
        $told = Measure-DataLoader my.yaml -Verbose -WarningVariable warnings -WarningAction SilentlyContinue 4>&1 | Where-Object { $_ -is [Management.Automation.VerboseRecord] }
        $told.Message | Should -Contain 'Worker process-0 is ready.'
        $warnings.Message | Should -BeLike 'The rest of the epoch*'
    }

    It 'says what is missing where there is nothing to load' {
        Measure-DataLoader -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -Be 'NoDataToLoad,RobustTrain.Cmdlets.Commands.MeasureDataLoaderCommand'
        $failure[0].Exception.Message | Should -BeLike '*-DataPath*-ImagePath*-Integers*'
    }

    It 'fails with the engine''s sentence and id' {
        $env:FAKE_END = 'nodata'
        Measure-DataLoader -DataPath d -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure.Count | Should -Be 1
        $failure[0].FullyQualifiedErrorId | Should -Be 'DatasetNotUsable,RobustTrain.Cmdlets.Commands.MeasureDataLoaderCommand'
        $failure[0].Exception.Message | Should -Be 'The dataset folder does not exist.'
    }

    It 'refuses a kind of worker that there is not' {
        { Measure-DataLoader my.yaml -WorkerKind Fiber } | Should -Throw '*Thread,Process*'
    }

    It 'stops where a command downstream has seen enough' {
        Measure-DataLoader my.yaml | Select-Object -First 1 | Should -HaveCount 1
    }

    It 'is ended by PowerShell.Stop' {
        $env:FAKE_STEPS = 1000
        $env:FAKE_EPOCH_SECONDS = 0.1
        $shell = [powershell]::Create()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Measure-DataLoader '$folder/my.yaml'")
        [void] $shell.BeginInvoke()
        Wait-Fact { $shell.Streams.Progress.Count } | Should -BeTrue
        $shell.Stop()
        $shell.Dispose()
        Get-Leftover "$folder/" | Should -BeNullOrEmpty
    }
}
