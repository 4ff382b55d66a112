BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
}

AfterAll { Use-RealHost }

Describe 'A run that has ended' {
    BeforeAll {
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ended))
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls }
        $WarningPreference = $InformationPreference = 'SilentlyContinue'
    }

    BeforeEach {
        Start-Training -RunPath r/a -Epochs 2 | Out-Null
        Start-Training -RunPath 'r/b [1]' -Epochs 3 | Out-Null
    }

    AfterEach { Remove-Item -Recurse -Force r -ErrorAction Ignore }

    AfterAll { Pop-Location }

    It 'is removed by Remove-TrainingRun, and nothing beside it' {
        New-Item -ItemType Directory r/quarantine | Out-Null
        Remove-TrainingRun r/a -Confirm:$false | Should -BeNullOrEmpty
        (Get-ChildItem r -Force).Name | Should -Be 'b [1]', 'quarantine'
    }

    It 'is removed from the pipeline' {
        Get-TrainingRun r | Remove-TrainingRun -Confirm:$false
        Get-ChildItem r -Force | Should -BeNullOrEmpty
    }

    It 'stays under -WhatIf' {
        Remove-TrainingRun r/a -WhatIf
        'r/a/run.json' | Should -Exist
    }

    It 'is not to be removed where there is none' {
        New-Item -ItemType Directory r/other | Out-Null
        Remove-TrainingRun r/other -Confirm:$false -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'RunNotFound,*'
        'r/other' | Should -Exist
        Remove-TrainingRun 'r/oth*' -Confirm:$false | Should -BeNullOrEmpty
        'r/other' | Should -Exist
    }

    It 'is written at once by Wait-Training' {
        (Wait-Training r/a -TimeoutSeconds 0).EpochsDone | Should -Be 2
    }

    It 'tells its events, each value in a property of its own' {
        Set-Content r/a/events.ndjson @(
            '{"event":"run_started","time":"2026-01-02T03:04:05.5+00:00","run_id":"x","run_path":"/elsewhere","process_id":1,"epochs":2,"steps_per_epoch":10,"resumed_from_epoch":null}'
            '{"event":"step","time":"2026-01-02T03:04:06+00:00","epoch":0,"step":9,"global_step":9,"loss":0.25,"learning_rate":0.001,"samples_per_second":100,"data_wait_share":0.5}'
            '{"event":"warning","time":"2026-01-02T03:04:07+00:00","message":"Mind the gap."}'
            '{"event":"stage_started","time":"2026-01-02T03:04:07+00:00","stage":"epoch-1","epoch":1,"global_step":10,"steps_per_epoch":5,"settings":["data.crop_size=64","loader.batch_size=4"]}'
            '{"event":"from_the_future","time":"2026-01-02T03:04:08+00:00"}'
        )
        $events = Get-TrainingEvent r/a
        $events.Kind | Should -Be run_started, step, warning, stage_started
        $events[3].Text | Should -BeLike 'Stage: epoch-1*Settings: data.crop_size=64, loader.batch_size=4'
        $events[1].Loss | Should -Be 0.25
        $events[1].Time | Should -Be ([datetimeoffset]::Parse('2026-01-02T03:04:06Z').LocalDateTime)
        $events[1].Text | Should -BeLike 'Epoch: 0*Loss: 0.25*'
        $events[2].Text | Should -Be 'Mind the gap.'
        $events.RunPath | Select-Object -Unique | Should -Be (Join-Path $PWD r/a)
        (Get-TrainingEvent r/a -Kind w*).Message | Should -Be 'Mind the gap.'
        Get-TrainingRun r/a | Get-TrainingEvent -Kind step | Should -HaveCount 1
        ($events | Out-String -Width 80) | Should -Match 'warning +Mind the gap\.'
        { Get-TrainingEvent r/a -Kind wraning -ErrorAction Stop } | Should -Throw '*did you mean ''warning''?'
        (TabExpansion2 'Get-TrainingEvent r/a -Kind epoch_').CompletionMatches.CompletionText | Should -Be epoch_started, epoch_finished
    }

    It 'is compared with another by settings and scores' {
        Set-Content r/a/config.yaml "seed: 1`nmodel:`n  name: hanet`n  base_channels: 8`ndata:`n  lists:`n    train: null`n  mean: [0.5, 0.5]"
        Set-Content -LiteralPath 'r/b [1]/config.yaml' "seed: 1`nmodel:`n  name: hanet`n  base_channels: 16`ndata:`n  lists:`n    train: `"a.txt`"`n  mean: [0.5, 0.5]"
        $found = Get-TrainingRun r | Compare-TrainingRun
        $found.Where({ $_.Kind -eq 'Setting' }).Name | Should -Be model.base_channels, data.lists.train
        $found[0].Reference, $found[0].Value, $found[0].Change | Should -Be '8', '16', 8
        $found[1].Change | Should -BeNullOrEmpty
        $found.Where({ $_.Kind -eq 'Score' }).Name | Should -Be epochs_done, best_epoch, best_f1
        $found[0].RunPath | Should -Be (Join-Path $PWD 'r/b [1]')
        (Get-TrainingRun r | Compare-TrainingRun -IncludeEqual).Name | Should -Contain test_f1
        ($found | Out-String -Width 80) | Should -Match 'model\.base_channels +8 +16 +8'
        Add-Content r/a/config.yaml "`nstages: null"
        Add-Content -LiteralPath 'r/b [1]/config.yaml' "`nstages:`n  epoch-20:`n    data:`n      crop_size: 192`n      lists:`n        train: `"b.txt`"`n  epoch-40:`n    trainer:`n      freeze: [conv1*]"
        $stages = @(Get-TrainingRun r | Compare-TrainingRun).Where({ $_.Name -like 'stages*' })
        $stages.Name | Should -Be stages.epoch-20.data.crop_size, stages.epoch-20.data.lists.train, stages.epoch-40.trainer.freeze
        $stages.Value | Should -Be '192', '"b.txt"', '[conv1*]'
        Compare-TrainingRun r/a -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'NothingToCompare,*'
    }
}

Describe 'A live run' {
    BeforeEach {
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid())))
        Use-FakeHost @{ EPOCH_SECONDS = 0.05; EPOCHS = 3; GATE = Join-Path $PWD gate }
        $WarningPreference = 'SilentlyContinue'
        $run = Start-Training -RunPath r -Detach
    }

    AfterEach {
        1..3 | ForEach-Object { New-Item -ItemType File "gate$_" -Force | Out-Null }
        Wait-Fact { -not (Get-Leftover "$PWD/") } | Should -BeTrue
        Pop-Location
    }

    It 'is never removed' {
        Remove-TrainingRun r -Confirm:$false -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'RunInUse,*'
        $failure[0].Exception.Message | Should -BeLike "Process $($run.ProcessId) on * works on the run at '*'; a run is removed only when it has ended."
        'r/run.json' | Should -Exist
    }

    It 'is waited for until it has ended' {
        Wait-Training r -TimeoutSeconds 0 -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'TrainingNotEnded,*'
        1..3 | ForEach-Object { New-Item -ItemType File "gate$_" | Out-Null }
        $ended = Get-TrainingRun r | Wait-Training
        $ended.State, $ended.EpochsDone | Should -Be Finished, 3
    }

    It 'tells its events as they come, until it ends' {
        $line = '{{"event":"warning","time":"2026-01-02T03:04:07+00:00","message":"{0}"}}'
        Set-Content r/events.ndjson ($line -f 'one')
        $seen = Get-TrainingEvent r -Wait | ForEach-Object {
            if ($_.Message -eq 'one') {
                Add-Content r/events.ndjson ($line -f 'two')
                1..3 | ForEach-Object { New-Item -ItemType File "gate$_" | Out-Null }
            }
            $_.Message
        }
        $seen | Should -Be one, two
    }
}

Describe 'New-TrainingConfig' {
    BeforeAll {
        Use-RealHost
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive configs))
    }

    AfterAll { Pop-Location }

    It 'writes a configuration whose every key says what it means, and which is one' {
        $file = New-TrainingConfig deeper/my.yaml -DataPath 'some data' -Set model.name=hanet
        $file | Should -BeOfType IO.FileInfo
        ($file | Out-String) | Should -Be (Get-Item deeper/my.yaml | Out-String)
        $text = Get-Content -Raw $file
        $text | Should -Match '# The seed from which every other seed'
        $text | Should -Match "path: `"$([regex]::Escape((Join-Path $PWD 'some data').Replace('\', '\\')))`""
        $text | Should -Match 'name: hanet'
        ($file | Test-TrainingConfig).Errors.Message | Should -Match 'some data.* does not exist'
    }

    It 'overwrites nothing without -Force, and writes nothing under -WhatIf' {
        New-TrainingConfig new.yaml -WhatIf
        'new.yaml' | Should -Not -Exist
        Set-Content there.yaml precious
        New-TrainingConfig there.yaml -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike "*there.yaml' is there already; -Force overwrites it."
        Get-Content there.yaml | Should -Be precious
        New-TrainingConfig there.yaml -Force | Out-Null
        Get-Content -Raw there.yaml | Should -Match 'data:'
    }

    It 'names a wrong key in its own words' {
        New-TrainingConfig x.yaml -Set model.nme=x -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike '-Set model.nme=x: *did you mean*'
        'x.yaml' | Should -Not -Exist
    }
}
