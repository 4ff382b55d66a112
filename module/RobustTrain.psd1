@{
    RootModule             = 'bin/RobustTrain.Cmdlets.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = '6f0f4c1e-6e0b-4f0e-9d3a-0d1f4a6b7c52'
    Author                 = 'RobustTrain contributors'
    CompanyName            = 'RobustTrain'
    Copyright              = '(c) RobustTrain contributors. MIT license.'
    Description            = 'Trains deep networks and keeps the training alive: runs, jobs and monitors for PowerShell.'
    PowerShellVersion      = '7.6'
    CompatiblePSEditions   = @('Core')
    FormatsToProcess       = @('RobustTrain.Format.ps1xml', 'RobustTrain.Monitoring.Format.ps1xml')
    TypesToProcess         = @('RobustTrain.Types.ps1xml')
    FunctionsToExport      = @()
    VariablesToExport      = @()
    AliasesToExport        = @('Export-Prediction')
    CmdletsToExport        = @(
        'Add-TrainingFleetMember'
        'Compare-TrainingRun'
        'Export-FleetSummary'
        'Export-Model'
        'Export-TrainingReport'
        'Get-CpuStatus'
        'Get-Dashboard'
        'Get-GpuStatus'
        'Get-Monitor'
        'Get-TrainingEngine'
        'Get-TrainingEpoch'
        'Get-TrainingEvent'
        'Get-TrainingFleet'
        'Get-TrainingRun'
        'Get-TrainingTask'
        'Install-TrainingEngine'
        'Invoke-Model'
        'Measure-DataLoader'
        'Measure-LearningRate'
        'Measure-Model'
        'New-SampleDataset'
        'New-TrainingConfig'
        'Register-TrainingTask'
        'Remove-TrainingFleetMember'
        'Remove-TrainingRun'
        'Show-TrainingPlot'
        'Start-Dashboard'
        'Start-Monitor'
        'Start-Training'
        'Start-TrainingFleet'
        'Stop-Dashboard'
        'Stop-Monitor'
        'Stop-Training'
        'Stop-TrainingFleet'
        'Test-TrainingConfig'
        'Uninstall-TrainingEngine'
        'Unregister-TrainingTask'
        'Wait-Training'
    )
    PrivateData            = @{
        PSData = @{
            Tags = @('DeepLearning', 'Training', 'GPU', 'Monitoring', 'PSEdition_Core', 'Linux', 'Windows')
        }
    }
}
