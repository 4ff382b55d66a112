# scripts/, each in a shell of its own, with robusttrain's and cron's place taken.

Describe 'A script' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        $scripts = Join-Path (Split-Path (Split-Path $PSScriptRoot)) scripts
        # The scripts with the module under test beside them, as in a checkout.
        $checkout = New-Item -ItemType Directory (Join-Path $TestDrive 'checkout')
        Copy-Item -Recurse $scripts $checkout
        New-Item -ItemType Directory (Join-Path $checkout artifacts) | Out-Null
        New-Item -ItemType SymbolicLink (Join-Path $checkout artifacts/RobustTrain) -Target (Split-Path (Get-ModulePath)) | Out-Null
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        $pwsh = Join-Path $PSHOME pwsh
    }

    BeforeEach { Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))) }

    AfterEach { Pop-Location }

    AfterAll { Use-RealHost }

    It 'is told of in README.md: <Name>' -ForEach @(Get-ChildItem -Recurse -File (Join-Path (Split-Path (Split-Path $PSScriptRoot)) scripts) -Exclude README.md) {
        Get-Content -Raw (Join-Path $scripts README.md) | Should -Match ([regex]::Escape($_.Extension -eq '.timer' ? '.timer' : $_.Name))
    }

    It 'imports the module by itself: Select-IdleGpu.ps1' {
        & $pwsh -NoProfile -NonInteractive -File "$checkout/scripts/Select-IdleGpu.ps1" *> out
        Get-Content -Raw out | Should -Not -Match 'not recognized'
    }

    It 'imports the module by itself, and takes several settings from pwsh -File: Invoke-TrainingUntilFinished.ps1' {
        & $pwsh -NoProfile -NonInteractive -File "$checkout/scripts/Invoke-TrainingUntilFinished.ps1" -ConfigPath my.yaml -RunPath r -Set 'seed=3,data.mean=[0.5,0.5,0.5], name=mine' *> out
        $LASTEXITCODE | Should -Be 0 -Because (Get-Content -Raw out)
        Get-LastCall | Should -Be "train $PWD/my.yaml --set seed=3 --set data.mean=[0.5,0.5,0.5] --set name=mine --run-path $PWD/r --resume auto --events --life-line"
    }

    It 'writes no escape codes into a file: <Script>' -ForEach @(
        @{ Script = 'demo.ps1'; Arguments = @() }
        @{ Script = 'Invoke-TrainingUntilFinished.ps1'; Arguments = '-ConfigPath', 'my.yaml', '-RunPath', 'r' }
    ) {
        & $pwsh -NoProfile -NonInteractive -File "$checkout/scripts/$Script" @Arguments *> out
        $LASTEXITCODE | Should -Be 0 -Because (Get-Content -Raw out)
        $text = Get-Content -Raw out
        $text | Should -Match 'TrainLoss'
        $text | Should -Not -Match "`e"
    }

    Context 'add-to-crontab.sh' {
        BeforeAll {
            $bin = New-Item -ItemType Directory (Join-Path $TestDrive bin)
            Set-Content (Join-Path $bin crontab) @'
#!/bin/sh
[ -z "$CRONTAB_FAILS" ] || { echo "$CRONTAB_FAILS" >&2; exit 1; }
case $1 in
  -l) cat "$CRONTAB" 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;
  -) cat >"$CRONTAB.new" && mv "$CRONTAB.new" "$CRONTAB" ;;
  *) exit 64 ;;
esac
'@
            chmod +x (Join-Path $bin crontab)
            $path = $env:PATH
            $env:PATH = "${bin}:$path"
        }

        BeforeEach {
            $env:CRONTAB = Join-Path $PWD tab
            Set-Content my.yaml ''
            $robusttrain = Join-Path $PSScriptRoot fakes/robusttrain
        }

        AfterAll {
            $env:PATH = $path
            Remove-Item env:CRONTAB, env:CRONTAB_FAILS -ErrorAction Ignore
        }

        It 'adds a training to what stands in the crontab, with its paths' {
            Set-Content tab '0 1 * * * backup'
            & "$scripts/cron/add-to-crontab.sh" $robusttrain my.yaml runs/night | Should -BeLike "Added:*$PWD/runs/night*"
            & "$scripts/cron/add-to-crontab.sh" $robusttrain my.yaml runs/other | Out-Null
            $lines = Get-Content tab
            $lines[0] | Should -Be '0 1 * * * backup'
            $lines | Should -Contain "ROBUSTTRAIN=$(Resolve-Path $robusttrain)"
            $lines | Should -Contain "CONFIG=$PWD/my.yaml"
            $lines.Where({ $_ -like 'RUN=*' }) | Should -Be "RUN=$PWD/runs/night", "RUN=$PWD/runs/other"
            $lines.Where({ $_ -like '0 22 *flock*' }) | Should -HaveCount 2
        }

        It 'begins a crontab where there is none' {
            & "$scripts/cron/add-to-crontab.sh" $robusttrain my.yaml runs/night | Out-Null
            (Get-Content tab).Where({ $_ -like '0 22 *' }) | Should -HaveCount 1
        }

        It 'refuses <Name>, and changes nothing' -ForEach @(
            @{ Name = 'a run that is there already'; Before = { & "$scripts/cron/add-to-crontab.sh" $robusttrain my.yaml runs/night | Out-Null }; Configuration = 'my.yaml'; Run = 'runs/night'; Code = 2; Said = '*already*' }
            @{ Name = 'a configuration that is missing'; Before = { }; Configuration = 'none.yaml'; Run = 'r'; Code = 2; Said = "*no configuration 'none.yaml'*" }
            @{ Name = 'a path that a crontab does not keep'; Before = { }; Configuration = 'my.yaml'; Run = 'r 100%'; Code = 2; Said = '*does not keep*' }
            @{ Name = 'a crontab that cannot be read'; Before = { $env:CRONTAB_FAILS = 'you are not allowed to use this program' }; Configuration = 'my.yaml'; Run = 'r'; Code = 1; Said = '*not allowed*' }
        ) {
            Set-Content tab '0 1 * * * backup'
            & $Before
            $kept = Get-Content tab
            & "$scripts/cron/add-to-crontab.sh" $robusttrain $Configuration $Run 2> said
            $LASTEXITCODE | Should -Be $Code
            Get-Content -Raw said | Should -BeLike $Said
            Remove-Item env:CRONTAB_FAILS -ErrorAction Ignore
            Get-Content tab | Should -Be $kept
        }
    }
}
