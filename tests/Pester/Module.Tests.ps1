BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
    $cmdlets = (Get-Command -Module RobustTrain -CommandType Cmdlet | Sort-Object Name).ForEach({ @{ Cmdlet = $_.Name } })
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestSupport.psm1') -Force
    Import-ModuleUnderTest
}

Describe 'The module' {
    It 'has a valid manifest' {
        $manifest = Test-ModuleManifest (Get-ModulePath) -ErrorAction Stop
        $manifest.Version | Should -BeGreaterThan ([version] '0.0')
    }

    It 'exports every cmdlet of its assembly by name, and nothing else' {
        $module = Get-Module RobustTrain
        $written = (Import-PowerShellDataFile (Get-ModulePath)).CmdletsToExport
        $written | Should -Not -Contain '*'
        $declared = $module.ImplementingAssembly.GetExportedTypes().ForEach({
            $_.GetCustomAttributes([Management.Automation.CmdletAttribute], $false).ForEach({ "$($_.VerbName)-$($_.NounName)" })
        })
        $written | Sort-Object | Should -Be ($declared | Sort-Object)
        $module.ExportedFunctions.Count + $module.ExportedVariables.Count | Should -Be 0
        $module.ExportedAliases.Keys | Should -Be 'Export-Prediction'
    }

    It 'uses approved verbs' {
        $approved = (Get-Verb).Verb
        (Get-Command -Module RobustTrain -CommandType Cmdlet).Verb | ForEach-Object { $approved | Should -Contain $_ }
    }

    It 'never loads libtorch into the shell' {
        ($IsWindows ? "$((Get-Process -Id $PID).Modules.ModuleName)" : [IO.File]::ReadAllText('/proc/self/maps')) | Should -Not -Match 'libtorch|LibTorchSharp'
    }

    It 'loads no YAML reader into the shell, where other modules may have brought another version of it' {
        TabExpansion2 'Start-Training -Set loader.' | Out-Null
        Get-TrainingRun (New-Item -ItemType Directory (Join-Path $TestDrive none)) | Out-Null
        [AppDomain]::CurrentDomain.GetAssemblies().GetName().Name | Should -Not -Contain YamlDotNet
    }

    It 'has a page about itself' {
        (Get-Help about_RobustTrain | Out-String) | Should -Match 'Start-Training'
    }
}

Describe 'The help of <Cmdlet>' -ForEach $cmdlets {
    BeforeAll {
        $help = Get-Help $Cmdlet -Full
        $command = Get-Command $Cmdlet
        $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
    }

    It 'has a synopsis and a description' {
        $help.Synopsis | Should -Not -BeNullOrEmpty
        $help.Synopsis | Should -Not -Match "^\s*$Cmdlet "
        ($help.description | Out-String).Trim() | Should -Not -BeNullOrEmpty
    }

    It 'has examples that parse' {
        @($help.examples.example).Count | Should -BeGreaterThan 0
        foreach ($example in $help.examples.example) {
            $errors = $null
            [void] [Management.Automation.Language.Parser]::ParseInput($example.code, [ref] $null, [ref] $errors)
            $errors | Should -BeNullOrEmpty -Because $example.code
            $example.code | Should -Match $Cmdlet
            ($example.remarks | Out-String).Trim() | Should -Not -BeNullOrEmpty
        }
    }

    It 'names only parameters that exist in its examples' {
        foreach ($example in $help.examples.example) {
            $script = [Management.Automation.Language.Parser]::ParseInput($example.code, [ref] $null, [ref] $null)
            foreach ($call in $script.FindAll({ param($ast) $ast -is [Management.Automation.Language.CommandAst] }, $true)) {
                $called = Get-Command $call.GetCommandName() -ErrorAction Stop
                foreach ($parameter in $call.CommandElements.Where({ $_ -is [Management.Automation.Language.CommandParameterAst] })) {
                    { $called.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because $example.code
                }
            }
        }
    }

    It 'tells of each parameter what it is: its place, its aliases, its wildcards and what it takes from the pipeline' {
        foreach ($told in $help.parameters.parameter.Where({ $_.name -notin $common })) {
            $parameter = $command.Parameters[$told.name]
            $told.aliases | Should -Be ($parameter.Aliases ? ($parameter.Aliases -join ', ') : 'none') -Because $told.name
            $told.globbing | Should -Be ('true', 'false')[-not $parameter.Attributes.Where({ $_ -is [Management.Automation.SupportsWildcardsAttribute] })] -Because $told.name
            $takes = foreach ($kind in 'ValueFromPipeline', 'ValueFromPipelineByPropertyName') {
                if ($parameter.ParameterSets.Values.Where({ $_.$kind })) { $kind -replace 'ValueFromPipeline$', 'ByValue' -replace 'ValueFromPipeline(?=B)' }
            }
            $told.pipelineInput | Should -Be ($takes ? "True ($($takes -join ', '))" : 'False') -Because $told.name
        }
    }

    It 'describes every parameter, and no other' {
        $described = @($help.parameters.parameter.Where({ ($_.description | Out-String).Trim() }).name)
        $expected = @($command.Parameters.Keys.Where({ $_ -notin $common }))
        $described.Where({ $_ -notin $common }) | Sort-Object | Should -Be ($expected | Sort-Object)
    }
}
