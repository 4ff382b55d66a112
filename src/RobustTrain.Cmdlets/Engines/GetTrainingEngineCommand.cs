using System.Management.Automation;
using RobustTrain.Cmdlets.Output;

namespace RobustTrain.Cmdlets.Engines;

/// <summary>Says where the executable and libtorch are, and whether they are whole.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingEngine")]
[OutputType(typeof(TrainingEngine))]
public sealed class GetTrainingEngineCommand : RobustTrainCmdlet
{
    /// <summary>Reads every byte of an installed libtorch.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessRecordAsync(CancellationToken stopping) => WriteObjectAsync(TrainingEngine.Read(Verify, stopping));
}
