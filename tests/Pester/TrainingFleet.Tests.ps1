Describe 'A training fleet' {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        Import-ModuleUnderTest
        Use-RealHost
    }

    BeforeEach {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive "a fleet's [folder] $([guid]::NewGuid())")
        Push-Location -LiteralPath $folder
        Set-Content -LiteralPath one.yaml "device: auto`ndata:`n  path: none"
        $limits = @{
            Source = 'simulated:1'; GpuUtilizationBelow = 101; GpuMemoryFree = 0; CpuUtilizationBelow = 101; MemoryFree = 0; DiskFree = 0; LoadPerCoreBelow = 1e6
            StartInterval = 0; Interval = 0.2; Timeout = 600
        }
    }

    AfterEach {
        Pop-Location
        Get-Leftover "$folder" | Should -BeNullOrEmpty
    }

    It 'says under -WhatIf which runs it would make, and makes nothing' {
        $said = pwsh -NoProfile -Command "Import-Module '$(Get-ModulePath)'; Start-TrainingFleet one.yaml gpu01 -Sweep @{ seed = 1..2; 'optimizer.learning_rate' = 1e-3, 3e-3 } -WhatIf" | Out-String
        foreach ($name in 'one-learning_rate=0.001-seed=1', 'one-learning_rate=0.003-seed=2') { $said | Should -Match ([regex]::Escape($name)) }
        'runs' | Should -Not -Exist
    }

    It 'is refused where <What>, in the words of the cmdlet' -ForEach @(
        @{ What = 'a configuration has a mistake'; Id = 'ConfigurationUnknownKey'; Said = '*learning_rat*did you mean*'; Call = { Set-Content -LiteralPath two.yaml "optimizer:`n  learning_rat: 1"; Start-TrainingFleet two.yaml } }
        @{ What = 'there is no configuration'; Id = 'FleetWithoutConfiguration'; Said = '*no configuration to begin one with*'; Call = { Start-TrainingFleet } }
        @{ What = 'nothing matches'; Id = 'ConfigurationNotFound'; Said = "No file matches 'no*.yaml'*"; Call = { Start-TrainingFleet no*.yaml } }
        @{ What = 'the device is fixed'; Id = 'FleetDeviceFixed'; Said = '*device cuda:1, but in a fleet the fleet chooses the GPU*'; Call = { Start-TrainingFleet one.yaml -Set @{ device = 'cuda:1' } } }
        @{ What = 'a sweep is none'; Id = 'SweepInvalid'; Said = "-Sweep seed=*"; Call = { Start-TrainingFleet one.yaml -Sweep @{ seed = @() } } }
        @{ What = 'a limit is out of range'; Id = 'FleetOptionOutOfRange'; Said = '-HostLostAfter is 1, but must be*'; Call = { Start-TrainingFleet one.yaml -HostLostAfter 1 } }
        @{ What = 'a host has no name'; Id = 'HostNameInvalid'; Said = "'-x' is no name of a host*"; Call = { Start-TrainingFleet one.yaml -ComputerName -x } }
        @{ What = 'there is no fleet'; Id = 'FleetNotFound'; Said = 'There is no fleet at*'; Call = { Get-TrainingFleet } }
        @{ What = 'there is no fleet to add to'; Id = 'FleetNotFound'; Said = 'There is no fleet at*'; Call = { Add-TrainingFleetMember one.yaml } }
        @{ What = 'there is no fleet to stop'; Id = 'FleetNotFound'; Said = 'There is no fleet at*'; Call = { Stop-TrainingFleet } }
    ) {
        try { & $Call 2>&1 | Out-Null } catch { }
        $failure = $Error[0]
        $failure.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        "$failure" | Should -BeLike $Said
        'runs' | Should -Not -Exist
    }

    It 'ends with an error where a run has failed for good, and tells why' {
        $job = Start-TrainingFleet one.yaml @limits -OnEvent ($IsWindows ? '(findstr "^" & echo.) >> told' : 'cat >> told; echo >> told')
        Wait-Job $job -Timeout 600 | Out-Null
        $job.State | Should -Be Failed
        (Receive-Job $job -ErrorVariable failure -ErrorAction SilentlyContinue).State | Select-Object -Last 1 | Should -Be Failed
        "$failure" | Should -BeLike '*Not all runs of the fleet are finished*'

        # Each once: the run's own process leaves it to the fleet.
        $told = @(Get-Content -LiteralPath told | Where-Object { $_.Trim() } | ConvertFrom-Json)
        $told.event | Should -Be 'failed', 'failed'
        $told[0].run.name, $told[0].run.state | Should -Be 'one', 'failed'
        $told[0].text | Should -BeLike "The run 'one' of the fleet at * has failed: *none*"
        $told[1].PSObject.Properties.Name | Should -Not -Contain 'run'
        $told[1].fleet.path | Should -Be (Join-Path $PWD runs)

        $member = Get-TrainingFleet -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike "No process works on the fleet*"
        $member.Name, $member.State, $member.Failures | Should -Be 'one', 'Failed', 1
        $member.Reason | Should -BeLike '*none*(exit code 2)'
        foreach ($line in ($member | Out-String -Width 80).Split([Environment]::NewLine)) { $line.Length | Should -BeLessOrEqual 80 }
        $there = Get-TrainingFleet -HostStatus -WarningAction SilentlyContinue
        $there.ComputerName, $there.IsUsable | Should -Be 'localhost', $true

        Remove-TrainingFleetMember on -ErrorVariable failure -ErrorAction SilentlyContinue
        "$failure" | Should -BeLike "*has no run 'on'*Did you mean one*"
        $member | Remove-TrainingFleetMember
        @(Get-ChildItem -LiteralPath runs/.fleet/requests).Count | Should -Be 1
        (TabExpansion2 'Get-TrainingFleet -Path ').CompletionMatches.CompletionText | Should -Contain 'runs'
        Remove-Job $job
    }
}
