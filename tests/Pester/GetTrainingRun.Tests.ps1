BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
    Use-FakeHost @{ EPOCH_SECONDS = 0.02 }
    Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive 'runs'))
    Start-Training -RunPath good -Name alpha -Epochs 2 -WarningAction Ignore | Out-Null
    Start-Training -RunPath inner/better -Name beta -Epochs 4 -WarningAction Ignore | Out-Null
    $env:FAKE_END = 'numeric'
    Start-Training -RunPath 'odd [1]' -Name gamma -WarningAction Ignore -ErrorAction Ignore | Out-Null
    New-Item -ItemType Directory broken, empty | Out-Null
    Set-Content broken/run.json 'not JSON'
}

AfterAll {
    Pop-Location
    Use-RealHost
}

Describe 'Get-TrainingRun' {
    It 'finds all runs below the current folder, and reports a damaged one without hiding the others' {
        $runs = Get-TrainingRun -ErrorVariable damaged -ErrorAction SilentlyContinue
        $runs.Name | Should -Be alpha, beta, gamma
        $damaged[0].FullyQualifiedErrorId | Should -BeLike 'RunRecordNotReadable,*'
        $damaged[0].TargetObject | Should -Be (Join-Path $PWD broken)
    }

    It 'reads one run by its folder' {
        $run = Get-TrainingRun good
        $run | Should -BeOfType RobustTrain.Cmdlets.Output.TrainingRun
        $run.State | Should -Be Finished
        $run.EpochsDone | Should -Be 2
        $run.Epochs | Should -Be 2
        $run.BestEpoch | Should -Be 1
        $run.BestScore | Should -Be 0.52
        $run.TestF1 | Should -Be 0.77
        $run.TestMeanF1 | Should -Be 0.85
        $run.ExitCode | Should -Be 0
        $run.Interruptions | Should -Be 0
        $run.RunPath | Should -Be (Join-Path $PWD good)
        $run.EndTime | Should -BeGreaterThan $run.StartTime
    }

    It 'tells why a run failed' {
        $run = Get-TrainingRun -LiteralPath 'odd [1]'
        $run.State | Should -Be Failed
        $run.ExitCode | Should -Be 4
        $run.ErrorId | Should -Be NumericNotFinite
        $run.Error | Should -Match NaN
    }

    It 'gives a warning that a process writes before it begins to that process, not to the one before' {
        Copy-Item good resumed -Recurse
        $record = Get-Content -Raw resumed/run.json | ConvertFrom-Json -AsHashtable -DateKind String
        $first = $record.attempts[0].Clone()
        $first.process = $record.attempts[0].process.Clone()
        $first.process.process_id, $first.state, $first.ended, $first.exit_code = 1, 'interrupted', $null, $null
        $record.attempts = $first, $record.attempts[0]
        $record | ConvertTo-Json -Depth 9 | Set-Content resumed/run.json
        $second = $record.attempts[1].process.process_id
        Set-Content resumed/events.ndjson @(
            '{"event":"run_started","time":"2026-01-02T03:00:00+00:00","run_id":"x","run_path":"/r","process_id":1,"epochs":2,"steps_per_epoch":10,"resumed_from_epoch":null}'
            '{"event":"step","time":"2026-01-02T03:01:00+00:00","epoch":0,"step":4,"global_step":4,"loss":0.25,"learning_rate":0.001,"samples_per_second":100,"data_wait_share":0.5}'
            '{"event":"warning","time":"2026-01-02T09:00:00+00:00","message":"The run goes on with other data than before."}'
            "{`"event`":`"run_started`",`"time`":`"2026-01-02T09:01:00+00:00`",`"run_id`":`"x`",`"run_path`":`"/r`",`"process_id`":$second,`"epochs`":2,`"steps_per_epoch`":10,`"resumed_from_epoch`":null}"
            '{"event":"step","time":"2026-01-02T09:02:00+00:00","epoch":0,"step":9,"global_step":9,"loss":0.25,"learning_rate":0.001,"samples_per_second":100,"data_wait_share":0.5}'
        )
        $history = Get-TrainingRun resumed -History
        $history.State | Should -Be Interrupted, Finished
        $history[0].EndTime | Should -Be ([datetimeoffset]::Parse('2026-01-02T03:01:00Z').LocalDateTime)
        $history.LastStep | Should -Be 4, 9
        Remove-Item resumed -Recurse
    }

    It 'takes wildcards in -Path, and none in -LiteralPath' {
        (Get-TrainingRun 'g*').Name | Should -Be alpha
        (Get-TrainingRun -LiteralPath 'odd [1]').Name | Should -Be gamma
        Get-TrainingRun -LiteralPath 'g*' -ErrorVariable missing -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $missing[0].FullyQualifiedErrorId | Should -BeLike 'RunNotFound,*'
        $missing[0].CategoryInfo.Category | Should -Be ObjectNotFound
    }

    It 'takes paths from the pipeline, as texts and as folders' {
        ('good', 'inner/better' | Get-TrainingRun).Name | Should -Be alpha, beta
        (Get-Item -LiteralPath good, 'odd [1]' | Get-TrainingRun).Name | Should -Be alpha, gamma
    }

    It 'takes runs from the pipeline and reads them again' {
        (Get-TrainingRun good | Get-TrainingRun).Name | Should -Be alpha
    }

    It 'filters by -Name with wildcards and by -State' {
        (Get-TrainingRun -Name a*, gamma -ErrorAction Ignore).Name | Should -Be alpha, gamma
        (Get-TrainingRun -State Finished -ErrorAction Ignore).Name | Should -Be alpha, beta
    }

    It 'finds nothing in an empty folder, and says so of a missing one' {
        Get-TrainingRun empty | Should -BeNullOrEmpty
        Get-TrainingRun nowhere -ErrorVariable missing -ErrorAction SilentlyContinue
        $missing[0].Exception.Message | Should -BeLike "*$(Join-Path $PWD nowhere)*"
    }

    It 'sorts by score in a pipeline' {
        (Get-TrainingRun -State Finished -ErrorAction Ignore | Sort-Object BestScore -Descending | Select-Object -First 1).Name | Should -Be beta
    }

    It 'follows $PWD and PowerShell drives, not the process''s folder' {
        New-PSDrive -Name Runs -PSProvider FileSystem -Root $PWD | Out-Null
        Push-Location Runs:/inner
        try {
            (Get-TrainingRun).Name | Should -Be beta
            (Get-TrainingRun Runs:/good).Name | Should -Be alpha
        }
        finally {
            Pop-Location
            Remove-PSDrive Runs
        }
    }

    It 'refuses a path that is not in the file system' {
        Get-TrainingRun env:PATH -ErrorVariable wrong -ErrorAction SilentlyContinue
        $wrong[0].FullyQualifiedErrorId | Should -BeLike 'PathNotInFileSystem,*'
        $wrong[0].CategoryInfo.Category | Should -Be InvalidArgument
    }

    It 'calls a run whose process was killed interrupted' {
        $env:FAKE_END = 'finished'
        $env:FAKE_EPOCH_SECONDS = 5
        $run = Start-Training -RunPath killed -Detach
        $run.State | Should -Be Running
        Stop-Process -Id $run.ProcessId -Force
        Wait-Fact { (Get-TrainingRun killed).State -eq 'Interrupted' } | Should -BeTrue
        (Get-TrainingRun killed).Interruptions | Should -Be 1
        (Get-TrainingRun killed).ExitCode | Should -BeNullOrEmpty
    }

    It 'gives flat objects that survive JSON and CSV' {
        $run = Get-TrainingRun good
        ($run | ConvertTo-Json | ConvertFrom-Json).State | Should -Be Finished
        $back = $run | ConvertTo-Csv | ConvertFrom-Csv
        $back.State | Should -Be Finished
        $back.PSObject.Properties.Value | Should -Not -Match '^System\.'
    }

    It 'shows a table with states and scores' {
        $table = Get-TrainingRun good | Out-String -Width 200
        $table | Should -Match 'Name +State +Epochs +Metric +Best +Test +Used +RunPath'
        $table | Should -Match 'alpha.*Finished.*2/2 +F1 +0\.5200 +0\.7700'
    }
}
