# libtorch for a module that was installed as a package: what its cmdlets say of it, bring and remove.

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
    Use-RealHost
    $here = (New-Item -ItemType Directory (Join-Path $TestDrive engine)).FullName
    Push-Location $here
    # The executable as a package has it: without libtorch. This user's folder is the test's.
    New-Item -ItemType Directory host, data | Out-Null
    Get-ChildItem (Join-Path (Split-Path (Get-ModulePath)) host) -Exclude libtorch | Copy-Item -Recurse -Destination host
    $env:ROBUSTTRAIN_HOST = "$here/host/robusttrain"
    $oldData = $env:XDG_DATA_HOME
    $env:XDG_DATA_HOME = "$here/data"
    $store = "$here/data/RobustTrain"
    $packages = $env:NUGET_PACKAGES ?? (Join-Path $HOME .nuget/packages)
    $name = 'libtorch-cpu-linux-x64.2.10.0.nupkg'

    # A registry on this machine that sends one file for every package, $null for none, or its beginning and then nothing more.
    function Start-Registry([byte[]] $Content, [int] $Silent = -1) {
        $listener = [Net.HttpListener]::new()
        $port = 33000 + $PID % 20000
        while ($true) {
            $listener.Prefixes.Add("http://127.0.0.1:$port/")
            try { $listener.Start(); break } catch [Net.HttpListenerException] { $listener = [Net.HttpListener]::new(); $port++ }
        }
        $job = Start-ThreadJob -ArgumentList $listener, $Content, $Silent, $port {
            param($Listener, [byte[]] $Content, $Silent, $Port)
            $held = while ($Listener.IsListening) {
                try { $context = $Listener.GetContext() } catch { break }
                if ($context.Request.Url.AbsolutePath -eq '/index.json') {
                    $bytes = [Text.Encoding]::UTF8.GetBytes("{""resources"":[{""@id"":""http://127.0.0.1:$Port/flat/"",""@type"":""PackageBaseAddress/3.0.0""}]}")
                    $context.Response.OutputStream.Write($bytes)
                    $context.Response.Close()
                }
                elseif ($null -eq $Content) { $context.Response.StatusCode = 404; $context.Response.Close() }
                elseif ($Silent -ge 0) {
                    $context.Response.ContentLength64 = $Content.Length
                    $context.Response.OutputStream.Write($Content, 0, $Silent)
                    $context.Response.OutputStream.Flush()
                    $context
                }
                else {
                    $context.Response.ContentLength64 = $Content.Length
                    $context.Response.OutputStream.Write($Content)
                    $context.Response.Close()
                }
            }
        }
        @{ Source = "http://127.0.0.1:$port/index.json"; Listener = $listener; Job = $job }
    }

    function Stop-Registry($Registry) {
        $Registry.Listener.Close()
        # Removed while it ends by itself, the job may be disposed of twice.
        $null = $Registry.Job | Wait-Job -Timeout 60
        $Registry.Job | Remove-Job -Force
    }

    function Get-Failure([scriptblock] $Call) {
        & $Call -ErrorVariable failure -ErrorAction SilentlyContinue | Out-Null
        $failure.Count | Should -Be 1
        $failure[0]
    }
}

AfterAll {
    Pop-Location
    $env:XDG_DATA_HOME = $oldData
    Use-RealHost
}

Describe 'Without libtorch' {
    It 'Get-TrainingEngine says what is missing and how to bring it' {
        $engine = Get-TrainingEngine
        $engine.Ready | Should -BeFalse
        $engine.Problems | Should -BeLike '*run: Install-TrainingEngine*'
        $engine.LibTorchPath, $engine.Device | Should -Be $null, $null
        (& $engine.Path config show) -join "`n" | Should -Match 'batch_size'
    }

    It 'a training is refused in the words of each face' {
        $failure = Get-Failure { [CmdletBinding()] param() Start-Training -DataPath d -RunPath r @PSBoundParameters }
        $failure.FullyQualifiedErrorId | Should -Be 'LibTorchNotFound,RobustTrain.Cmdlets.Commands.StartTrainingCommand'
        $failure.Exception.Message | Should -BeLike 'libtorch, * is not installed; run: Install-TrainingEngine *'
        $said = & (Get-TrainingEngine).Path train --set data.path=d 2>&1
        "$said" | Should -BeLike "robusttrain: libtorch was not found: there is no libtorch_cpu.so in $here/host/libtorch; *$store/libtorch/2.10.0-cpu*ROBUSTTRAIN_LIBTORCH*"
        Join-Path $here r | Should -Not -Exist
    }

    It 'a folder that ROBUSTTRAIN_LIBTORCH names in vain is told' {
        $env:ROBUSTTRAIN_LIBTORCH = $here
        try { (Get-TrainingEngine).Problems | Should -Be "The environment variable ROBUSTTRAIN_LIBTORCH names '$here', but there is no libtorch_cpu.so in that folder." }
        finally { Remove-Item env:ROBUSTTRAIN_LIBTORCH }
    }

    It 'there is nothing to uninstall' {
        (Get-Failure { [CmdletBinding()] param() Uninstall-TrainingEngine @PSBoundParameters }).FullyQualifiedErrorId | Should -BeLike 'EngineNotFound,*'
    }
}

Describe 'Install-TrainingEngine' {
    AfterEach {
        Get-ChildItem $store/libtorch -ErrorAction Ignore | Where-Object Name -like *.tmp | Should -BeNullOrEmpty
        Remove-Item $store -Recurse -ErrorAction Ignore
    }

    It 'installs nothing with -WhatIf' {
        Install-TrainingEngine -Source $packages -WhatIf | Should -BeNullOrEmpty
        $store | Should -Not -Exist
    }

    It 'refuses <What> in one sentence' -ForEach @(
        @{ What = 'a folder that is not there'; Parameters = @{ Source = 'nowhere' }; Id = 'PackageSourceNotFound'; Said = "There is no folder '*/nowhere'; *" }
        @{ What = 'a folder without the package'; Parameters = @{ Source = 'data' }; Id = 'PackageNotFound'; Said = "*/data' has no libtorch-cpu-linux-x64.2.10.0.nupkg." }
        @{ What = 'a path outside the file system'; Parameters = @{ Source = 'env:' }; Id = 'PathNotInFileSystem'; Said = '*' }
        @{ What = 'a login without a registry'; Parameters = @{ Source = 'data'; Credential = [pscredential]::new('me', (ConvertTo-SecureString x -AsPlainText)) }; Id = 'CredentialWithoutEffect'; Said = '-Credential *' }
    ) {
        $failure = Get-Failure { [CmdletBinding()] param() Install-TrainingEngine @Parameters @PSBoundParameters }
        $failure.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $failure.Exception.Message | Should -BeLike $Said
        $failure.Exception.Message | Should -Not -Match "`n"
    }

    It 'refuses a package in a folder that was cut short' {
        New-Item -ItemType Directory cut -Force | Out-Null
        $whole = [IO.File]::OpenRead((Join-Path $packages libtorch-cpu-linux-x64/2.10.0 $name))
        $half = [byte[]]::new(1MB)
        $whole.ReadExactly($half)
        $whole.Dispose()
        [IO.File]::WriteAllBytes("$here/cut/$name", $half)
        (Get-Failure { [CmdletBinding()] param() Install-TrainingEngine -Source cut @PSBoundParameters }).FullyQualifiedErrorId | Should -BeLike 'PackageDamaged,*'
    }

    It 'refuses a registry''s package of another content, and one that it does not have' {
        $registry = Start-Registry ([byte[]]::new(100000))
        (Get-Failure { [CmdletBinding()] param() Install-TrainingEngine -Source $registry.Source @PSBoundParameters }).FullyQualifiedErrorId | Should -BeLike 'PackageDamaged,*'
        Stop-Registry $registry
        $registry = Start-Registry $null
        $failure = Get-Failure { [CmdletBinding()] param() Install-TrainingEngine -Source $registry.Source @PSBoundParameters }
        $failure.Exception.Message | Should -Be "libtorch-cpu-linux-x64 2.10.0 could not be fetched: '$($registry.Source)' does not have it."
        Stop-Registry $registry
    }

    It 'keeps what was fetched when it is stopped, and Uninstall-TrainingEngine removes that' {
        $registry = Start-Registry ([byte[]]::new(2000000)) -Silent 1000000
        $shell = [PowerShell]::Create().AddScript("Import-Module '$(Get-ModulePath)'; Install-TrainingEngine -Source '$($registry.Source)'")
        $running = $shell.BeginInvoke()
        Wait-Fact { (Get-Item "$store/downloads/$name.part" -ErrorAction Ignore).Length -eq 1000000 } | Should -BeTrue
        (Get-Failure { [CmdletBinding()] param() Install-TrainingEngine -Source $packages @PSBoundParameters }).FullyQualifiedErrorId | Should -BeLike 'EngineBusy,*'
        $shell.Stop()
        { $shell.EndInvoke($running) } | Should -Throw '*stopped*'
        $shell.Dispose()
        Stop-Registry $registry
        (Get-Item "$store/downloads/$name.part").Length | Should -Be 1000000
        Uninstall-TrainingEngine
        $store | Should -Not -Exist
    }
}

Describe 'An engine that was installed from a folder' {
    BeforeAll { $installed = Install-TrainingEngine -Source $packages -WarningVariable warned }

    It 'is ready, and nothing but what is needed was unpacked' {
        $installed.Ready | Should -BeTrue -Because "$($installed.Problems)"
        $installed.LibTorchPath | Should -Be "$store/libtorch/2.10.0-cpu"
        $installed.LibTorchVersion, $installed.Device, $installed.Version | Should -Be '2.10.0', 'Cpu', '0.1.0'
        (Get-ChildItem $installed.LibTorchPath).Name | Sort-Object -Culture '' | Should -Be ('engine.json', 'libc10.so', 'libgomp-98b21ff3.so.1', 'LICENSE-LIBTORCH.txt', 'libtorch_cpu.so', 'libtorch.so' | Sort-Object -Culture '')
        (Get-ChildItem $store).Name | Sort-Object | Should -Be 'libtorch', 'lock'
        $warned | Should -BeNullOrEmpty
    }

    It 'is shown in 80 columns' {
        ($installed | Out-String -Width 80).Split([Environment]::NewLine).Length | ForEach-Object { $_ | Should -BeGreaterThan 8 }
        ($installed | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
    }

    It 'trains' {
        New-SampleDataset sample | Out-Null
        New-Item -ItemType Directory pairs/A, pairs/B, pairs/label | Out-Null
        $scene = 0
        foreach ($pair in 'train_1', 'train_2', 'val_1', 'test_1') {
            $scene++
            Copy-Item "sample/Szada/$scene/im1.bmp" "pairs/A/$pair.bmp"
            Copy-Item "sample/Szada/$scene/im2.bmp" "pairs/B/$pair.bmp"
            Copy-Item "sample/Szada/$scene/gt.bmp" "pairs/label/$pair.bmp"
        }
        Set-Content small.yaml 'threads: 1', 'model: { base_channels: 2 }', "data: { dataset: change-pairs, path: $here/pairs, crop_size: 32, enlarge_ratio: 1 }", 'loader: { eval_batch_size: 1, num_workers: 0 }', 'trainer: { epochs: 1 }'
        $run = Start-Training small.yaml -RunPath trained -PassThru
        $run.State | Should -Be Finished
    }

    It 'is not installed again without a reason' {
        (Get-Item "$($installed.LibTorchPath)/engine.json").LastWriteTimeUtc | Set-Variable before
        (Install-TrainingEngine -Source nowhere).Ready | Should -BeTrue
        (Get-Item "$($installed.LibTorchPath)/engine.json").LastWriteTimeUtc | Should -Be $before
    }

    It 'is told damaged, and repaired' {
        $file = [IO.File]::Open("$($installed.LibTorchPath)/libtorch.so", 'Open', 'ReadWrite')
        $byte = $file.ReadByte()
        $file.Position = 0
        $file.WriteByte($byte -bxor 1)
        $file.Dispose()
        (Get-TrainingEngine).Ready | Should -BeTrue -Because 'lengths are right'
        (Get-TrainingEngine -Verify).Problems | Should -BeLike "*libtorch.so' is damaged*"
        Remove-Item "$($installed.LibTorchPath)/libc10.so"
        (Get-TrainingEngine).Problems | Should -BeLike "*libc10.so' is missing."
        (Install-TrainingEngine -Source $packages).Ready | Should -BeTrue
        (Get-TrainingEngine -Verify).Ready | Should -BeTrue
    }

    It 'goes without a rest' {
        Uninstall-TrainingEngine -Device Cuda -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].Exception.Message | Should -Be 'No libtorch 2.10.0 for Cuda is installed.'
        Uninstall-TrainingEngine -WhatIf
        (Get-TrainingEngine).Ready | Should -BeTrue
        Uninstall-TrainingEngine
        Get-ChildItem $here/data | Should -BeNullOrEmpty
        (Get-TrainingEngine).Ready | Should -BeFalse
    }
}
