BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
}

AfterAll { Use-RealHost }

Describe 'Invoke-Model' {
    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        Push-Location $folder
        Use-FakeHost @{ EPOCH_SECONDS = 0.01; CALLS = Join-Path $folder calls; PAIRS = Join-Path $folder pairs }
        # A folder of its own, in which no other process makes or leaves files.
        $temporary, $env:TMPDIR = $env:TMPDIR, (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))).FullName
    }

    AfterEach {
        Pop-Location
        $own, $env:TMPDIR = $env:TMPDIR, $temporary
        Get-Leftover "$folder/" | Should -BeNullOrEmpty
        Get-ChildItem $own -Filter tmp*.tmp | Should -BeNullOrEmpty
    }

    It 'writes an object for each pair' {
        $made = Invoke-Model r a.png b.png -OutputPath out
        Get-LastCall | Should -BeLike "predict $PWD/r --pairs * --output $PWD/out --checkpoint best --events --life-line"
        Get-Content pairs | Should -Be "$PWD/a.png`t$PWD/b.png"
        $made | Should -BeOfType RobustTrain.Cmdlets.Output.ModelPrediction
        $made.ImagePathA, $made.ImagePathB, $made.MapPath | Should -Be /i/a.png, /i/b.png, /o/a.png
        $made.Width, $made.Height, $made.ChangedPercent, $made.MeanConfidence | Should -Be 952, 640, 12.5, 0.99
        ($made | Out-String -Width 80) | Should -Match '952x640 +12\.50 % +0\.9900'
        @(($made | Out-String -Width 80).Split("`n").Where({ $_.Length -gt 80 })) | Should -BeNullOrEmpty
        $made.PSStandardMembers.DefaultDisplayPropertySet.ReferencedPropertyNames.Count | Should -BeLessOrEqual 10
    }

    It 'takes all pairs of the pipeline into one call' {
        [pscustomobject] @{ ImagePathA = 'a 1.png'; ImagePathB = 'b 1.png' }, [pscustomobject] @{ ImagePathA = 'a2.png'; ImagePathB = 'b2.png' } |
            Invoke-Model r -OutputPath out | Should -HaveCount 1
        Get-Content calls | Should -HaveCount 1
        Get-Content pairs | Should -Be "$PWD/a 1.png`t$PWD/b 1.png", "$PWD/a2.png`t$PWD/b2.png"
    }

    It 'takes folders with A and B by value, and runs by their property' {
        New-Item -ItemType Directory 'x [1]', y | Out-Null
        Get-ChildItem -Directory | Invoke-Model r -OutputPath out | Out-Null
        Get-Content pairs | Should -Be "$PWD/x [1]", "$PWD/y"
        [pscustomobject] @{ RunPath = "$PWD/other" } | Invoke-Model -ImagePathA a -ImagePathB b -OutputPath out | Out-Null
        Get-LastCall | Should -BeLike "predict $PWD/other *"
        Export-Prediction r a b -OutputPath out | Out-Null
    }

    It 'passes -<Parameter> on as <Option>' -ForEach @(
        @{ Parameter = 'Probability'; Value = $true; Option = '--probability' }
        @{ Parameter = 'TileSize'; Value = 256; Option = '--tile-size 256' }
        @{ Parameter = 'Overlap'; Value = 32; Option = '--overlap 32' }
        @{ Parameter = 'Force'; Value = $true; Option = '--force' }
        @{ Parameter = 'SkipExisting'; Value = $true; Option = '--skip-existing' }
        @{ Parameter = 'Checkpoint'; Value = 'Latest'; Option = '--checkpoint latest' }
        @{ Parameter = 'Device'; Value = 1; Option = '--device cuda:1' }
        @{ Parameter = 'Set'; Value = 'data.convert_images=false'; Option = '--set data.convert_images=false' }
    ) {
        $parameters = @{ $Parameter = $Value }
        Invoke-Model r a b -OutputPath out @parameters | Out-Null
        Get-LastCall | Should -BeLike "*$Option *"
    }

    It 'checks and writes nothing under -WhatIf' {
        Invoke-Model r a b -OutputPath out -WhatIf | Should -BeNullOrEmpty
        Get-Content calls | Should -HaveCount 1
        Get-LastCall | Should -BeLike '* --check *'
    }

    It 'names a pair that could not be read, and writes the others' {
        $env:FAKE_END = 'damaged'
        $made = Invoke-Model r a b -OutputPath out -ErrorVariable failure -ErrorAction SilentlyContinue
        $made | Should -HaveCount 1
        $failure.FullyQualifiedErrorId | Should -Be 'SampleNotReadable,RobustTrain.Cmdlets.Commands.InvokeModelCommand', 'PairsNotReadable,RobustTrain.Cmdlets.Commands.InvokeModelCommand'
        $failure[0].TargetObject | Should -Be /i/bad.png
    }

    It 'says of one that was killed, and of one that was stopped from outside, how it goes on' -Skip:$IsWindows {
        $env:FAKE_END = 'segfault'
        Invoke-Model r a b -OutputPath out -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike 'The prediction was ended by signal 11 (*); what is finished stays, and the same command with -SkipExisting goes on, *'
        $env:FAKE_END = 'stopped'
        Invoke-Model r a b -OutputPath out -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -Be 'PredictionStopped,RobustTrain.Cmdlets.Commands.InvokeModelCommand'
        $failure[0].Exception.Message | Should -Be 'The prediction was stopped; the same command with -SkipExisting goes on.'
    }

    It 'refuses lists that are no pairs' {
        Invoke-Model r a, b c -OutputPath out -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -Be '-ImagePathA has 2 paths and -ImagePathB 1 path; expected as many of one as of the other.'
    }

    It 'takes images from a path and from the pipeline, and writes labels without an output path' {
        $env:FAKE_FORM = 'label'
        foreach ($name in 'a [1].png', 'b.jpg', 'c.txt') { [IO.File]::WriteAllText("$PWD/$name", 'x') }
        $made = Invoke-Model r -Path *.png, b.jpg
        Get-Content pairs | Should -Be "$PWD/a [1].png", "$PWD/b.jpg"
        Get-LastCall | Should -Not -BeLike '*--output*'
        $made | Should -BeOfType RobustTrain.Cmdlets.Output.LabelPrediction
        $made.Label, $made.Probability, $made.ImagePath | Should -Be cat, 0.75, /i/a.png
        $made.Top.Label | Should -Be cat, dog, bird
        Get-ChildItem -File | Where-Object Extension -In .png, .jpg | Invoke-Model r -Top 2 -OutputPath labels.csv | Out-Null
        Get-LastCall | Should -BeLike "*--output $PWD/labels.csv --top 2 *"
        (Get-Content pairs).Count | Should -BeGreaterThan 1
    }

    It 'has an object and a view in 80 columns for <Form>' -ForEach @(
        @{ Form = 'map'; Type = 'ClassMapPrediction'; Line = '952x640 +2 +60\.00 % +0\.9900 +1\.5 s +/o/a\.png' }
        @{ Form = 'image'; Type = 'ImagePrediction'; Line = '952x640 +3808x2560 +1\.5 s +/o/a\.png' }
        @{ Form = 'label'; Type = 'LabelPrediction'; Line = 'cat +0\.7500 dog 0\.200, bird 0\.050 +/i/a\.png' }
    ) {
        $env:FAKE_FORM = $Form
        $made = Invoke-Model r -Path a.png -OutputPath out
        $made.GetType().Name | Should -Be $Type
        $text = $made | Out-String -Width 80
        $text | Should -Match $Line
        $text.Split("`n").Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
        $made.PSStandardMembers.DefaultDisplayPropertySet.ReferencedPropertyNames.Count | Should -BeIn (5..10)
        foreach ($name in $made.PSStandardMembers.DefaultDisplayPropertySet.ReferencedPropertyNames) { $made.PSObject.Properties[$name] | Should -Not -BeNullOrEmpty -Because $name }
    }

    It 'says after Ctrl+C how to go on' -Skip:$IsWindows {
        $env:FAKE_STEPS = 1000
        $env:FAKE_EPOCH_SECONDS = 0.1
        $shell = Start-TestShell "Invoke-Model '$folder/r' a b -OutputPath '$folder/out'" "$folder/said"
        Wait-Fact { Test-Path calls } | Should -BeTrue
        kill -INT $shell.Id
        $shell.WaitForExit(240000) | Should -BeTrue
        Get-Content -Raw said | Should -Match 'The prediction was stopped; what is finished stays, and the same command with\s+-SkipExisting goes on\.'
    }

    It 'is ended by PowerShell.Stop' {
        $env:FAKE_STEPS = 1000
        $env:FAKE_EPOCH_SECONDS = 0.1
        $shell = [powershell]::Create()
        [void] $shell.AddScript("Import-Module '$(Get-ModulePath)'; Invoke-Model '$folder/r' a b -OutputPath '$folder/out'")
        [void] $shell.BeginInvoke()
        Wait-Fact { $shell.Streams.Progress.Count } | Should -BeTrue
        $shell.Stop()
        $shell.Dispose()
    }
}

Describe 'Invoke-Model and Export-Model with the real executable' {
    BeforeAll {
        Use-RealHost
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive real))
        $run = Join-Path (Split-Path $PSScriptRoot) Unit/Training/fixtures/run-of-libtorch-1.13
        $fixtures = Join-Path (Split-Path $PSScriptRoot) Unit/Data/Fixtures
    }

    AfterAll { Pop-Location }

    It 'predicts, asks for -Force, and names parameters in its errors' {
        $made = Invoke-Model $run $fixtures/rgb.png $fixtures/rgb.bmp -OutputPath out -Checkpoint Latest -Probability
        $made.MapPath, $made.ScorePath | Should -Exist
        Invoke-Model $run $fixtures/rgb.png $fixtures/rgb.bmp -OutputPath out -Checkpoint Latest -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike '*is there already; -Force overwrites it.'
        Invoke-Model $run $fixtures/rgb.png $fixtures/rgb.bmp -OutputPath out -Checkpoint Latest -TileSize 100 -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike '-TileSize is 100, *'
        Invoke-Model $run -Path $fixtures/rgb.png -OutputPath out -Checkpoint Latest -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'PredictionTakesPairs,*'
        $failure[0].Exception.Message | Should -BeLike '*(task change-detection) takes pairs of images of one place, but *rgb.png* is a single image; expected -ImagePathA and -ImagePathB, or folders with the folders A and B by -Path.'
    }

    It 'exports, in a format by the file''s name, and names parameters in its errors' {
        Export-Model $run no.onnx -Checkpoint Latest -WhatIf
        'no.onnx' | Should -Not -Exist
        $onnx = Get-Item $run | Export-Model -OutputPath a.onnx -Checkpoint Latest
        $onnx | Should -BeOfType RobustTrain.Cmdlets.Output.ModelExport
        $onnx.LargestDifference | Should -BeLessThan 1e-4
        $onnx.InputShape | Should -Be 'batch x 3 x height x width'
        $onnx.Bytes | Should -Be (Get-Item a.onnx).Length
        ($onnx | Out-String -Width 80) | Should -Match 'Onnx +fc-siam-diff'
        (Export-Model $run a.safetensors -Checkpoint Latest -Format SafeTensors).LargestDifference | Should -BeNullOrEmpty
        Export-Model $run a.safetensors -Checkpoint Latest -Force -Width 3 -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -BeLike '-Width is given, but safetensors holds weights only*or take -Format Onnx.'
    }
}
