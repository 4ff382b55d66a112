BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
    Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive reports))
    $WarningPreference = $InformationPreference = 'SilentlyContinue'
    Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls; ON_EVENT = Join-Path $TestDrive told }
    Start-Training -RunPath runs/a -Name '<script>alert(1)</script>' -Epochs 3 | Out-Null
    Start-Training -RunPath 'runs/b [1]' -Name beta -Epochs 4 | Out-Null
    $env:FAKE_END = 'numeric'
    Start-Training -RunPath runs/c -Name gamma -ErrorAction Ignore | Out-Null
    Remove-Item env:FAKE_END

    # The fake tells its events to its parent only; what curves are drawn of is the journal.
    foreach ($run in @{ Path = 'runs/a'; Epochs = 3 }, @{ Path = 'runs/b [1]'; Epochs = 4 }) {
        $journal = foreach ($epoch in 0..($run.Epochs - 1)) {
            @{
                event = 'epoch_finished'; time = '2026-11-30T00:00:00+00:00'; epoch = $epoch; train_loss = 0.9 - 0.1 * $epoch; scores = @{ f1 = 0.5 + 0.1 * $epoch }; is_best = $true
                learning_rate = 0.001; samples_per_second = 100; data_wait_share = 0.25; duration_seconds = 1
            } | ConvertTo-Json -Compress
        }
        Set-Content -LiteralPath (Join-Path $run.Path events.ndjson) $journal
    }
}

AfterAll {
    Pop-Location
    Use-RealHost
}

Describe 'Get-TrainingRun' {
    It 'tells what a run has used, and null where nothing is known' {
        $run = Get-TrainingRun runs/a
        $run.CpuHours | Should -Be 1
        $run.DataWaitSeconds | Should -Be 1.5
        $run.GpuHours | Should -Be $null
        $run.EnergyKilowattHours | Should -Be $null
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; GPU_SECONDS = 5400; JOULES = 3600000 }
        Start-Training -RunPath runs/gpu -Epochs 1 | Out-Null
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $TestDrive calls; ON_EVENT = Join-Path $TestDrive told }
        $run = Get-TrainingRun runs/gpu
        $run.GpuHours, $run.EnergyKilowattHours | Should -Be 1.5, 1
        ($run | Out-String -Width 120) | Should -Match 'GPU 1\.50 h'
        Remove-TrainingRun runs/gpu -Confirm:$false
    }
}

Describe 'Export-TrainingReport' {
    AfterEach { Remove-Item *.html, *.md, out -Recurse -ErrorAction Ignore }

    It 'writes a page named after the run''s folder, in which its name is a text' {
        $file = Export-TrainingReport runs/a
        $file | Should -BeOfType IO.FileInfo
        $file.FullName | Should -Be (Join-Path $PWD a.html)
        $page = Get-Content -Raw a.html
        $page | Should -Match '&lt;script&gt;alert\(1\)&lt;/script&gt;'
        $page | Should -Not -Match '<script'
        $page | Should -Match '<svg '
    }

    It 'takes runs from the pipeline, one that failed too, into a folder' {
        $files = Get-TrainingRun runs | Export-TrainingReport -OutputPath out/
        $files.Name | Should -Be a.html, 'b [1].html', c.html
        Get-Content -Raw out/c.html | Should -Match 'NumericNotFinite'
    }

    It 'overwrites nothing without -Force' {
        Set-Content a.html mine
        Export-TrainingReport runs/a -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'FileExists,*'
        Get-Content a.html | Should -Be mine
        (Export-TrainingReport runs/a -Force).Length | Should -BeGreaterThan 1000
    }

    It 'writes nothing under -WhatIf' {
        Export-TrainingReport runs/a out/ -WhatIf
        'out' | Should -Not -Exist
        Export-TrainingReport runs/a -WhatIf
        'a.html' | Should -Not -Exist
    }

    It 'writes Markdown by extension or by -Format' {
        (Export-TrainingReport runs/a night.md).Name | Should -Be night.md
        Get-Content -Raw night.md | Should -Match '^# &lt;script&gt;alert\(1\)&lt;/script&gt;: Finished'
        (Export-TrainingReport runs/a -Format Markdown).Name | Should -Be a.md
    }

    It 'refuses an extension that names no format, a folder that is not there, and one file for two runs' {
        foreach ($case in @(
                @{ Path = 'runs/a'; OutputPath = 'a.pdf'; Id = 'FormatUnknown' }
                @{ Path = 'runs/a'; OutputPath = 'no/a.html'; Id = 'FileFolderNotFound' }
                @{ Path = 'runs/none'; OutputPath = 'a.html'; Id = 'RunNotFound' })) {
            Export-TrainingReport $case.Path $case.OutputPath -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $failure[0].FullyQualifiedErrorId | Should -BeLike "$($case.Id),*"
        }
        $files = Export-TrainingReport runs/a, runs/c one.html -ErrorVariable failure -ErrorAction SilentlyContinue
        $files.Name | Should -Be one.html
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'FileWrittenAlready,*'
    }

    It 'shows the pictures of a folder, and writes without any where they can''t be made' {
        New-Item -ItemType Directory out/pictures | Out-Null
        [IO.File]::WriteAllBytes((Join-Path $PWD out/pictures/worst-01-0.1234-sea.png), [byte[]] (1, 2, 3))
        [IO.File]::WriteAllBytes((Join-Path $PWD out/pictures/best-01-0.9000-sky.png), [byte[]] (4, 5, 6))
        $page = Get-Content -Raw (Export-TrainingReport runs/a -PicturePath out/pictures)
        $page | Should -Match 'sea: 0\.1234'
        $page | Should -Not -Match 'sky'
        Export-TrainingReport runs/a b.html -PicturePath runs/c -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'NoPictures,*'
        $env:FAKE_END = 'missing'
        (Export-TrainingReport runs/a c.html -Picture -WarningVariable warning -WarningAction SilentlyContinue).Name | Should -Be c.html
        Remove-Item env:FAKE_END
        $warning | Should -Match 'The report has no pictures: There is no folder'
        Get-LastCall | Should -Match '^evaluate .*a --split test --pictures .* --most 4 '
    }
}

Describe 'Show-TrainingPlot' {
    It 'draws the loss within the width that is given' {
        $lines = Show-TrainingPlot runs/a -Width 60 -Ascii
        $lines[0] | Should -Be '<script>alert(1)</script>: loss'
        ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 60
        ($lines -join '') | Should -Not -Match '[^ -~]'
    }

    It 'lays runs over each other and names them' {
        $text = Get-TrainingRun runs -State Finished | Show-TrainingPlot -Metric f1 -Width 70 | Out-String
        $text | Should -Match 'beta'
        $text | Should -Match 'epoch'
    }

    It 'refuses a metric that the run has not' {
        Show-TrainingPlot runs/a -Metric los -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'MetricNotFound,*'
        $failure[0].Exception.Message | Should -Match "did you mean 'loss'"
    }

    It 'completes metrics' {
        (TabExpansion2 'Show-TrainingPlot runs/a -Metric l').CompletionMatches.CompletionText | Should -Be loss, learning_rate
    }

    It 'hands a picture to the executable, and overwrites none unasked' {
        (Show-TrainingPlot runs/a f1 -OutputPath p.png -Smooth 0.5 -Width 640).Name | Should -Be p.png
        Get-LastCall | Should -Match '^plot .*a --output .*p\.png --metric f1 --smooth 0\.5 --width 640 --events --life-line$'
        Set-Content p.png mine
        foreach ($case in @(@{ Path = 'p.png'; Id = 'FileExists' }, @{ Path = 'p.jpg'; Id = 'PlotFormatUnknown' })) {
            Show-TrainingPlot runs/a -OutputPath $case.Path -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $failure[0].FullyQualifiedErrorId | Should -BeLike "$($case.Id),*"
        }
        Show-TrainingPlot runs/a -OutputPath q.png -WhatIf | Should -BeNullOrEmpty
    }
}

Describe 'Export-FleetSummary' {
    AfterEach { Remove-Item *.html, *.md -ErrorAction Ignore }

    It 'writes an object with what finished, and what failed and why' {
        $summary = Export-FleetSummary runs -Until (Get-Date).AddMinutes(5)
        $summary.Finished, $summary.Failed | Should -Be 2, 1
        $summary.Runs.Where({ $_.State -eq 'Failed' }).Error | Should -Match NaN
        $text = ($summary | Out-String -Width 80)
        $text | Should -Match '2 finished, 1 failed'
        $text | Should -Match 'gamma \(c\): The loss is NaN'
        ($summary.Runs | Out-String -Width 80).Split("`n").ForEach({ $_.TrimEnd().Length }) | Should -Not -BeGreaterThan 80
    }

    It 'writes a page or Markdown' {
        (Export-FleetSummary runs day.md -Until (Get-Date).AddMinutes(5)).Name | Should -Be day.md
        Get-Content -Raw day.md | Should -Match '\| gamma \| c \| Failed \|'
        Get-Content -Raw (Export-FleetSummary runs day.html) | Should -Not -Match '<script'
        Export-FleetSummary runs day.html -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'FileExists,*'
        Export-FleetSummary runs other.html -WhatIf | Should -BeNullOrEmpty
        'other.html' | Should -Not -Exist
    }

    It 'refuses a stretch that ends before it begins, and a folder that is not there' {
        Export-FleetSummary runs -Since (Get-Date).AddDays(1) -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'SinceAfterUntil,*'
        Export-FleetSummary nowhere -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'RunNotFound,*'
    }
}

Describe '-OnEvent' {
    It 'is handed to the run''s own process in its environment, not in its arguments' {
        Start-Training -RunPath runs/told -Epochs 1 -OnEvent https://example.org/secret, 'mail admin' | Out-Null
        Get-Content (Join-Path $TestDrive told) | Select-Object -First 2 | Should -Be https://example.org/secret, 'mail admin'
        Get-LastCall | Should -Not -Match secret
    }

    It 'is handed to a detached run, too' -Skip:$IsWindows {
        Start-Training -RunPath runs/away -Epochs 1 -Detach -OnEvent https://example.org/away | Out-Null
        Wait-Training runs/away | Out-Null
        Get-Content (Join-Path $TestDrive told) | Select-Object -First 1 | Should -Be https://example.org/away
    }

    It 'takes a command or the address of a webhook' {
        { Start-Training -RunPath runs/x -OnEvent 'ftp://example.org' } | Should -Throw -ErrorId 'CannotConvertArgumentNoMessage*' -ExpectedMessage '*is no address of a webhook*'
        { Start-Monitor Cpu -OnEvent 'mail admin' -ErrorAction Stop } | Should -Throw -ErrorId 'OnEventWithoutAlert*'
    }

    It 'of a monitor tells of an alert' -Skip:$IsWindows {
        $told = Join-Path $TestDrive alert.json
        $monitor = Start-Monitor Cpu -Interval 0.2 -Alert 'MemoryUsedBytes > 1' -OnEvent "cat > '$told.new' && mv '$told.new' '$told'"
        try {
            Wait-Fact { Test-Path $told } | Should -BeTrue
            $alert = Get-Content -Raw $told | ConvertFrom-Json
            $alert.event | Should -Be alert
            $alert.alert.rule | Should -Be 'MemoryUsedBytes > 1'
        }
        finally { Remove-Job $monitor -Force }
    }
}
