Describe 'A page' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-FakeHost @{ EPOCH_SECONDS = 0.01 }
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive dashboard))
        Start-Training -RunPath runs/one -WarningAction Ignore | Out-Null
        Use-RealHost
        $quiet = @{ Port = 0; Source = 'simulated:2'; InformationAction = 'Ignore' }
        function Get-Page([string] $Address, [hashtable] $Headers = @{}) { Invoke-WebRequest $Address -Headers $Headers -SkipHttpErrorCheck -NoProxy }
    }

    AfterEach {
        Get-Dashboard | Stop-Dashboard
        Get-Job | Remove-Job -Force
    }

    AfterAll { Pop-Location }

    It 'is served by a process of its own, and shows the runs to who has the token' {
        $page = Start-Dashboard runs @quiet
        $page.State | Should -Be Running
        $page.ProcessId | Should -Not -Be $PID
        $page.Address | Should -Match '^http://127\.0\.0\.1:\d+/$'
        $token = ([uri] $page.Url).Query -replace '^\?token='
        (Get-Page "$($page.Address)api/state").StatusCode | Should -Be 401
        $state = (Get-Page "$($page.Address)api/state" @{ Authorization = "Bearer $token" }).Content | ConvertFrom-Json
        $state.runs.path | Should -Be one
        $state.runs.state | Should -Be finished
        $state.hosts.gpus.Count | Should -Be 2
        (Get-Page "$($page.Address)metrics" @{ Authorization = "Bearer $token" }).Content | Should -Match 'robusttrain_run_epochs_done\{run="one"\} 3'
        [AppDomain]::CurrentDomain.GetAssemblies().GetName().Name | Should -Not -Contain Microsoft.AspNetCore.Server.Kestrel.Core
    }

    It 'tells its address once' {
        Start-Dashboard runs -Port 0 -Source simulated:1 -InformationVariable told 6> $null | Out-Null
        "$told" | Should -Match '^Runs and hosts: http://127\.0\.0\.1:\d+/\?token='
        (Get-Dashboard | Out-String -Width 200) | Should -Not -Match token
    }

    It 'ends with Stop-Dashboard' {
        $page = Start-Dashboard runs @quiet -Name mine
        Stop-Dashboard mine -WhatIf
        $page.State | Should -Be Running
        (Stop-Dashboard mine -PassThru).State | Should -Be Stopped
        Wait-Fact { -not (Get-Process -Id $page.ProcessId -ErrorAction Ignore) } | Should -BeTrue
        { Get-Page $page.Address } | Should -Throw
    }

    It 'ends with its runspace' {
        $shell = [powershell]::Create()
        $id = $shell.AddScript("Import-Module '$(Get-ModulePath)'; (Start-Dashboard '$PWD/runs' -Port 0 -Source simulated:1).ProcessId").Invoke()[0]
        $id | Should -BeGreaterThan 0
        $shell.Dispose()
        Wait-Fact { -not (Get-Process -Id $id -ErrorAction Ignore) } | Should -BeTrue
    }

    It 'says in one sentence why it is not served, and leaves no job behind: <Id>' -ForEach @(
        @{ Id = 'FolderNotFound'; Given = @{ Path = 'nowhere' }; Said = 'There is no folder ''*nowhere''; expected one that holds runs.' }
        @{ Id = 'CertificateNotFound'; Given = @{ CertificatePath = 'none.pem' }; Said = 'There is no certificate file ''*none.pem''.' }
        @{ Id = 'KeyWithoutCertificate'; Given = @{ CertificateKeyPath = 'none.pem' }; Said = '-CertificateKeyPath has no effect without -CertificatePath.' }
        @{ Id = 'HostNameWithoutListen'; Given = @{ ListenName = 'gpu01' }; Said = '-ListenName has no effect without -Listen:*' }
        @{ Id = 'AddressNotAvailable'; Given = @{ Listen = '203.0.113.7' }; Said = 'This machine does not have the address 203.0.113.7; -Listen takes one that it has, or * for all.' }
        @{ Id = 'HostNameInvalid'; Given = @{ ComputerName = '-oProxyCommand=x' }; Said = '*' }
    ) {
        $arguments = $quiet + $Given
        if ($Given.ComputerName) { $arguments.Remove('Source') }
        Start-Dashboard @arguments -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $failure[0].Exception.Message | Should -BeLike $Said
        Get-Dashboard | Should -BeNullOrEmpty
    }

    It 'says that a port is taken, and how to have another' {
        $page = Start-Dashboard runs @quiet
        $arguments = $quiet.Clone()
        $arguments.Port = ([uri] $page.Address).Port
        Start-Dashboard runs @arguments -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'PortInUse,*'
        $failure[0].Exception.Message | Should -Be "Port $($arguments.Port) is used by another program; name another one by -Port, or take a free one by -Port 0."
        @(Get-Dashboard).Count | Should -Be 1
    }

    It 'warns where others are served without TLS' {
        Start-Dashboard runs @quiet -Listen * -WarningVariable warning -WarningAction SilentlyContinue | Out-Null
        $warning.Message | Should -BeLike 'The page is served without TLS on 0.0.0.0: *by -CertificatePath.'
    }

    It 'shows what passes a limit, and refuses one that is none' {
        $page = Start-Dashboard runs @quiet -Alert 'MemoryAvailableBytes > 1'
        $token = ([uri] $page.Url).Query -replace '^\?token='
        function Get-Raised { ((Get-Page "$($page.Address)api/state" @{ Authorization = "Bearer $token" }).Content | ConvertFrom-Json).alerts.raised.rule }
        Wait-Fact { Get-Raised } | Should -BeTrue
        Get-Raised | Should -Be 'MemoryAvailableBytes > 1'
        { Start-Dashboard runs @quiet -Alert 'Memory > 1' } | Should -Throw '*no GPU or CPU status has a number of that name*'
    }

    It 'of a name or id that is not there is an error' {
        Stop-Dashboard nothing -ErrorVariable missing -ErrorAction SilentlyContinue
        $missing[0].FullyQualifiedErrorId | Should -BeLike 'DashboardNotFound,*'
        Get-Dashboard -Id 4711 -ErrorVariable missing -ErrorAction SilentlyContinue
        $missing[0].FullyQualifiedErrorId | Should -BeLike 'DashboardNotFound,*'
    }

    It 'completes names, sources and addresses' {
        Start-Dashboard runs @quiet -Name first | Out-Null
        (TabExpansion2 'Stop-Dashboard f').CompletionMatches.CompletionText | Should -Be first
        (TabExpansion2 'Start-Dashboard -Listen ').CompletionMatches.CompletionText | Should -Contain "'*'"
        (TabExpansion2 'Start-Dashboard -Source s').CompletionMatches.CompletionText | Should -Be simulated:8
    }

    It 'is a table that fits 80 columns' {
        Start-Dashboard runs @quiet | Out-Null
        $lines = (Get-Dashboard | Out-String -Width 80).Split([Environment]::NewLine).Where({ $_.Trim() })
        $lines.Where({ $_.Length -gt 80 }) | Should -BeNullOrEmpty
        $lines[0] | Should -Match 'Id +Name +State +Control +Address +Path'
    }
}

Describe 'robusttrain dashboard' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        $robusttrain = Join-Path (Split-Path (Get-ModulePath)) ($IsWindows ? 'host/robusttrain.exe' : 'host/robusttrain')
    }

    It 'refuses what it does not know with exit code 2 and a hint: <Given>' -ForEach @(
        @{ Given = , '--prot'; Said = "'--prot' is not known here; did you mean '--port'?" }
        @{ Given = '--listen', 'here'; Said = '--listen is ''here'', but must be an address, as 192.168.0.7, or * for all.' }
        @{ Given = '--interval', '0'; Said = '--interval is ''0'', but must be from 0.5 to 3600 seconds.' }
        @{ Given = '--gpu-source', 'simulated:x'; Said = '*simulated:N with N from 1 to*' }
        @{ Given = '--alert', 'Memory > 1'; Said = "'Memory > 1' watches 'Memory', but no GPU or CPU status has a number of that name.*" }
        @{ Given = '--port', '70000'; Said = 'The port is 70000, but must be from 0 to 65535; 0 takes one that is free.' }
    ) {
        $lines = & $robusttrain dashboard @Given 2>&1
        $LASTEXITCODE | Should -Be 2
        "$($lines[0])" | Should -BeLike "robusttrain: $Said"
    }

    It 'is in the list of commands, and has help' {
        (& $robusttrain --help) -join "`n" | Should -Match 'dashboard'
        (& $robusttrain dashboard --help) -join "`n" | Should -Match '--allow-control'
    }
}
