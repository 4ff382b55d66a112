Describe 'Test-TrainingConfig' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ CALLS = Join-Path $folder calls }
    }

    AfterEach { Pop-Location }

    AfterAll { Use-RealHost }

    It 'says what a good configuration would train' {
        $test = Test-TrainingConfig my.yaml -Epochs 3 -Set @{ seed = 1 }
        Get-LastCall | Should -Be "config check $PWD/my.yaml --set trainer.epochs=3 --set seed=1 --events --life-line"
        $test.Valid | Should -BeTrue
        $test.Errors | Should -BeNullOrEmpty
        $test.ConfigurationPath | Should -Be (Join-Path $PWD my.yaml)
        $test.Device | Should -Be cpu
        $test.TrainingSamples, $test.ValidationSamples, $test.TestSamples, $test.StepsPerEpoch | Should -Be 3744, 24, 12, 234
    }

    It 'takes every parameter of a configuration that Start-Training takes' {
        $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
        $own = (Get-Command Start-Training).Parameters.Keys.Where({ $_ -notin $common -and $_ -notin 'RunPath', 'Resume', 'AsJob', 'Detach', 'PassThru', 'OnEvent', 'Ranks', 'ComputerName', 'RanksPerHost', 'Restart', 'Rejoin' })
        (Get-Command Test-TrainingConfig).Parameters.Keys.Where({ $_ -notin $common -and $_ -ne 'Quiet' }) | Sort-Object | Should -Be ($own | Sort-Object)
    }

    It 'refuses -<_> $null in a sentence that names it, and asks nothing of the trainer' -ForEach BatchSize, PrefetchQueueLength, TimeoutSeconds, Accumulate, ClipNorm {
        $given = @{ $_ = $null }
        { Test-TrainingConfig @given } | Should -Throw "*'$_'*null*" -ErrorId 'ParameterBindingFailed,*'
        Join-Path $folder calls | Should -Not -Exist
    }

    It 'lists each mistake with file, line, key and sentence, and is no error itself' {
        $env:FAKE_END = 'invalid'
        $test = Test-TrainingConfig my.yaml -ErrorVariable failure
        $failure | Should -BeNullOrEmpty
        $test.Valid | Should -BeFalse
        $test.Errors.Count | Should -Be 3
        $test.Errors[0].File | Should -Be '/x/my, own.yaml'
        $test.Errors[0].Line | Should -Be 3
        $test.Errors[0].Key | Should -Be loader.batch_sise
        $test.Errors[0].ErrorId | Should -Be ConfigurationUnknownKey
        $test.Errors[0].Message | Should -BeLike '*did you mean ''batch_size''?'
        $test.Errors[1].File | Should -BeNullOrEmpty
        $test.Errors[1].Line | Should -BeNullOrEmpty
        $test.Errors[2].Line | Should -Be 7
    }

    It 'says only whether it is good with -Quiet' {
        $good = Test-TrainingConfig my.yaml -Quiet
        $good | Should -BeOfType bool
        $good | Should -BeTrue
        $env:FAKE_END = 'invalid'
        $bad = Test-TrainingConfig my.yaml -Quiet -ErrorVariable failure
        $failure | Should -BeNullOrEmpty
        $bad | Should -BeOfType bool
        $bad | Should -BeFalse
    }

    It 'shows in a table of 80 columns which file each row is of' {
        Set-Content short.yaml, another-configuration.yaml ''
        $table = Get-ChildItem *.yaml | Test-TrainingConfig | Out-String -Width 80
        $table | Should -Match '…onfiguration\.yaml +True'
        $table | Should -Match 'short\.yaml +True +cpu +3744 +24 +12 +234'
    }

    It 'shows each mistake in 80 columns, broken between words only' {
        $env:FAKE_END = 'invalid'
        $bad = Test-TrainingConfig my.yaml
        $env:FAKE_END = ''
        $good = Test-TrainingConfig my.yaml
        foreach ($view in ($good, $bad | Out-String -Width 80), ($bad.Errors | Out-String -Width 80)) {
            $view.Split("`n").Where({ $_.TrimEnd().Length -gt 80 }) | Should -BeNullOrEmpty
            ($view -replace '\s+', ' ') | Should -BeLike "*/x/my, own.yaml, line 3: 'loader' has no key 'batch_sise'; did you mean 'batch_size'? -Set trainer.epochs=0: too small. /x/y.yaml, line 7, column 2: not YAML.*"
        }

        $good, $bad | Out-String -Width 80 | Should -Match 'yaml +False +3\s*$'
    }

    It 'takes files from the pipeline' {
        Set-Content a.yaml, b.yaml ''
        (Get-Item *.yaml | Test-TrainingConfig).ConfigurationPath | Should -Be (Join-Path $PWD a.yaml), (Join-Path $PWD b.yaml)
    }

    It 'expands wildcards, takes a name as it stands first, and says where nothing matches' {
        Set-Content -LiteralPath b.yaml, a.yaml, other.txt, 'x[1].yaml' -Value ''
        (Test-TrainingConfig *.yaml).ConfigurationPath | Should -Be ('a.yaml', 'b.yaml', 'x[1].yaml').ForEach({ Join-Path $PWD $_ })
        (Test-TrainingConfig 'x[1].yaml').ConfigurationPath | Should -Be (Join-Path $PWD 'x[1].yaml')
        (Test-TrainingConfig 'x`[1`].yaml').ConfigurationPath | Should -Be (Join-Path $PWD 'x[1].yaml')
        Test-TrainingConfig *.yml -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'ConfigurationNotFound,*'
        $failure[0].Exception.Message | Should -BeLike "*'*.yml'*"
    }

    It 'fails where the engine itself fails' {
        $env:FAKE_END = 'silent'
        Test-TrainingConfig my.yaml -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'TrainerFailed,*'
    }
}
