Describe 'New-SampleDataset' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls }
    }

    AfterEach {
        Pop-Location
        Get-Leftover $folder | Should -BeNullOrEmpty
    }

    AfterAll { Use-RealHost }

    It 'makes the data and says what thresholded differencing reaches on it' {
        $data = New-SampleDataset my-data
        Get-LastCall | Should -Be "sample-data $PWD/my-data --seed 0 --events --life-line"
        $data.Path | Should -Be /d
        $data.Scenes | Should -Be 12
        $data.ChangedPercent | Should -Be 5
        $data.DifferencingF1 | Should -Be 0.31
        $data.Seed | Should -Be 7
    }

    It 'passes -Seed and -ChangeShare on' {
        New-SampleDataset my-data -Seed 12 -ChangeShare 0.1 | Out-Null
        Get-LastCall | Should -Be "sample-data $PWD/my-data --seed 12 --change-share 0.1 --events --life-line"
    }

    It 'passes -Task on' {
        New-SampleDataset my-data -Task segmentation | Out-Null
        Get-LastCall | Should -Be "sample-data $PWD/my-data --seed 0 --task segmentation --events --life-line"
    }

    It 'refuses a -ChangeShare of <_>' -ForEach 0, 0.5 {
        { New-SampleDataset my-data -ChangeShare $_ } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
    }

    It 'makes nothing under -WhatIf' {
        New-SampleDataset my-data -WhatIf | Should -BeNullOrEmpty
        Get-ChildItem | Should -BeNullOrEmpty
    }

    It 'shows progress, and takes it away at the end' {
        $shell = [powershell]::Create()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; New-SampleDataset '$folder/d'").Invoke()
        $shell.Streams.Progress.StatusDescription | Should -Contain '12 of 12'
        $shell.Streams.Progress[-1].RecordType | Should -Be Completed
        $shell.Dispose()
    }

    It 'fails with the engine''s sentence and id' {
        $env:FAKE_END = 'exists'
        New-SampleDataset my-data -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -Be 'SampleDataExists,RobustTrain.Cmdlets.Commands.NewSampleDatasetCommand'
        $failure[0].TargetObject | Should -Be (Join-Path $PWD my-data)
    }

    It 'is ended by PowerShell.Stop, even where the engine does not listen' {
        $env:FAKE_STEPS = 1000
        $env:FAKE_EPOCH_SECONDS = 0.1
        $env:FAKE_END = 'deaf'
        $shell = [powershell]::Create()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; New-SampleDataset '$folder/d'")
        [void] $shell.BeginInvoke()
        Wait-Fact { $shell.Streams.Progress.Count } | Should -BeTrue
        $shell.Stop()
        $shell.Dispose()
        Get-Leftover "$folder/" | Should -BeNullOrEmpty
    }
}
