# The executable's own sentences, in the words of the cmdlet that was called.

Describe 'An error of the real executable' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive words))
        New-Item -ItemType Directory r, odd | Out-Null
        Set-Content odd/file ''
        Set-Content plain.yaml "name: plain"
        function Get-Failure([scriptblock] $Call) {
            & $Call -ErrorVariable failure -ErrorAction SilentlyContinue | Out-Null
            $failure[0].Exception.Message
        }
    }

    AfterAll { Pop-Location }

    It 'names parameters, not options: <Call>' -ForEach @(
        @{ Call = { [CmdletBinding()] param() Start-Training -Epochs 0 -DataPath d -RunPath r @PSBoundParameters }; Said = '-Epochs 0: ''trainer.epochs'' is 0, but must be*' }
        @{ Call = { [CmdletBinding()] param() Start-Training plain.yaml -RunPath r @PSBoundParameters }; Said = '*''data.path'' is not given*; -DataPath gives it too.' }
        @{ Call = { [CmdletBinding()] param() Start-Training -DataPath d -Set 'loader.batch_sise=3' @PSBoundParameters }; Said = '-Set loader.batch_sise=3: *did you mean*' }
        @{ Call = { [CmdletBinding()] param() Start-Training plain.yaml -DataPath d -Resume Require @PSBoundParameters }; Said = '-Resume Require needs -RunPath, *' }
        @{ Call = { [CmdletBinding()] param() Start-Training -DataPath d -Name 'a b' -Model none @PSBoundParameters }; Said = '-Model none: *' }
        @{ Call = { [CmdletBinding()] param() Measure-Model odd @PSBoundParameters }; Said = '*name the configuration by -ConfigurationPath.' }
        @{ Call = { [CmdletBinding()] param() Measure-DataLoader -Integers 10 -NumWorkers many @PSBoundParameters }; Said = '-NumWorkers is ''many'', but must be *' }
        @{ Call = { [CmdletBinding()] param() Measure-DataLoader -Integers 10 -NumWorkers 0 -Fault kill:0.1 @PSBoundParameters }; Said = '-Fault kill befalls workers, but a measurement with 0 workers has none; give -NumWorkers 1 or more.*' }
        @{ Call = { [CmdletBinding()] param() Start-Training nofile.yaml -WhatIf @PSBoundParameters }; Said = '*nofile.yaml'' doesn''t exist.' }
        @{ Call = { [CmdletBinding()] param() Start-Training nofile.yaml -RunPath new -Detach @PSBoundParameters }; Said = '*nofile.yaml'' doesn''t exist.' }
    ) {
        $message = Get-Failure $Call
        $message | Should -BeLike $Said
        $message | Should -Not -Match '--|robusttrain'
        Join-Path $PWD new | Should -Not -Exist
    }

    It 'is told so by Test-TrainingConfig, too' {
        (Test-TrainingConfig -Epochs 0 -BatchSize 0 -DataPath d).Errors.Message | Should -BeLike '-*'
        (Test-TrainingConfig).Errors[0].Message | Should -BeLike '*-DataPath gives it too.'
    }

    It 'goes on with a run by -Resume Auto' {
        Use-FakeHost @{ EPOCH_SECONDS = 0.01 }
        Start-Training -RunPath run -WarningAction Ignore | Out-Null
        Use-RealHost
        Set-Content run/config.yaml 'data: { path: d }'
        Get-Failure { [CmdletBinding()] param() Start-Training -DataPath d -RunPath run -Resume Never @PSBoundParameters } | Should -BeLike '*go on with it by -Resume Auto, or name another folder.'
    }
}

Describe 'What would have no effect' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-FakeHost @{ CALLS = Join-Path $TestDrive calls }
        Push-Location $TestDrive
    }

    AfterAll {
        Pop-Location
        Use-RealHost
    }

    It 'is refused by Measure-DataLoader: <Given>' -ForEach @(
        @{ Given = @{ Integers = 5; ImagePath = 'i' }; Id = 'TwoSources'; Said = '*-ImagePath and -Integers*' }
        @{ Given = @{ Integers = 5; DataPath = 'd' }; Id = 'TwoSources'; Said = '*-Integers and -DataPath*' }
        @{ Given = @{ ImagePath = 'i'; Dataset = 'change-pairs' }; Id = 'TwoSources'; Said = '*-ImagePath and -Dataset*' }
        @{ Given = @{ Integers = 5; CropSize = 64 }; Id = 'CropSizeWithoutImages'; Said = '*-CropSize*-ImagePath*' }
    ) {
        Measure-DataLoader @Given -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $failure[0].Exception.Message | Should -BeLike $Said
        Join-Path $TestDrive calls | Should -Not -Exist
    }
}

Describe 'Words of a cmdlet' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        Push-Location $TestDrive
    }

    AfterAll {
        Pop-Location
        Use-RealHost
    }

    It 'are taken in any letter case: <Call>' -ForEach @(
        @{ Call = { Measure-Model r -Split vAL -Checkpoint LATEST }; Expected = '*--split val --checkpoint latest*' }
        @{ Call = { Measure-DataLoader my.yaml -WorkerKind pROCESS -Split TEST }; Expected = '*--kind process*--split test*' }
        @{ Call = { Start-Training -RunPath r -Resume AUTO -WarningAction Ignore }; Expected = '*--resume auto*' }
    ) {
        & $Call 3> $null | Out-Null
        Get-LastCall | Should -BeLike $Expected
    }
}
