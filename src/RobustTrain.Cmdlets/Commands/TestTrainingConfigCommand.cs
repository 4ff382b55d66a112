using System.Management.Automation;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Cmdlets.Training;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Checks a configuration as Start-Training would before its first step, and creates nothing.</summary>
[Cmdlet(VerbsDiagnostic.Test, "TrainingConfig")]
[OutputType(typeof(TrainingConfigTest))]
public sealed class TestTrainingConfigCommand : ConfiguredCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        TrainingRequest request = await ReadRequestAsync();
        ConfigurationChecked? found = null;
        try
        {
            await CallAsync(["config", "check", .. request.ConfigurationArguments()], Strings.Format("CheckActivity"), request.Subject, happened => found = happened as ConfigurationChecked ?? found, stopping);
        }
        catch (RunException) when (found is { Errors.Count: > 0 })
        {
            // Mistakes are this cmdlet's result, not its failure.
        }

        if (found is not null)
            await WriteObjectAsync(TrainingConfigTest.From(found, request.ConfigurationPath));
    }
}
