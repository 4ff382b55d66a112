# The module as a package: published into a folder, and installed from there.

Describe 'The module as a package' -Skip:(-not (Get-Module -ListAvailable Microsoft.PowerShell.PSResourceGet)) {
    BeforeAll {
        Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
        # The module with a small stand-in for host/, which is mostly libtorch.
        $module = New-Item -ItemType Directory (Join-Path $TestDrive RobustTrain)
        Get-ChildItem (Split-Path (Get-ModulePath)) -Exclude host | Copy-Item -Recurse -Destination $module
        New-Item -ItemType Directory (Join-Path $module host) | Out-Null
        Copy-Item (Join-Path $PSScriptRoot fakes/robusttrain) (Join-Path $module host)
        $feed = New-Item -ItemType Directory (Join-Path $TestDrive feed)
        $installed = New-Item -ItemType Directory (Join-Path $TestDrive installed)
        $log = Join-Path $TestDrive log
        # In a shell of its own, whose home is the test's: the repositories of the user who tests stay as they are.
        $shell = Start-TestShell @"
`$ErrorActionPreference = 'Stop'
`$env:HOME = `$env:XDG_DATA_HOME = `$env:XDG_CONFIG_HOME = '$TestDrive'
Register-PSResourceRepository -Name Feed -Uri '$feed' -Trusted
Publish-PSResource -Path '$module' -Repository Feed
Save-PSResource RobustTrain -Repository Feed -Path '$installed' -TrustRepository
"@ $log
        $shell.WaitForExit(120000) | Should -BeTrue
        $shell.ExitCode | Should -Be 0 -Because (Get-Content -Raw $log)
        $version = (Get-ChildItem $installed/RobustTrain).FullName
    }

    It 'has every file' {
        $expected = (Get-ChildItem -Recurse -File $module).FullName.Substring($module.FullName.Length)
        $found = (Get-ChildItem -Recurse -File $version -Exclude PSGetModuleInfo.xml).FullName.Substring($version.Length)
        $found | Sort-Object | Should -Be ($expected | Sort-Object)
    }

    It 'trains with its own executable, though packages keep no permissions' {
        [IO.File]::SetUnixFileMode("$version/host/robusttrain", [IO.UnixFileMode] 'UserRead, UserWrite, GroupRead')
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive work))
        $env:ROBUSTTRAIN_HOST = ''
        & (Join-Path $PSHOME pwsh) -NoProfile -NonInteractive -Command "Import-Module '$version/RobustTrain.psd1'; (Start-Training -RunPath r -Epochs 1 -PassThru).State" *> $log
        Pop-Location
        (Get-Content $log)[-1] | Should -Be Finished -Because (Get-Content -Raw $log)
        [IO.File]::GetUnixFileMode("$version/host/robusttrain") | Should -Be ([IO.UnixFileMode] 'UserRead, UserWrite, UserExecute, GroupRead, GroupExecute')
    }
}
