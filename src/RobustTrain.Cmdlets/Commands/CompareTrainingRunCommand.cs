using System.Management.Automation;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Says in which settings and scores runs differ from the first of them.</summary>
[Cmdlet(VerbsData.Compare, "TrainingRun", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingRunDifference))]
public sealed class CompareTrainingRunCommand : RunCmdlet
{
    private string? _reference;
    private bool _isCompared;

    /// <summary>Tells what is equal, too.</summary>
    [Parameter]
    public SwitchParameter IncludeEqual { get; set; }

    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        if (_reference is null)
        {
            RunFolder.ReadRecord(run);
            _reference = run;
            return;
        }

        _isCompared = true;
        foreach (TrainingRunDifference difference in TrainingRunDifference.Between(_reference, run, IncludeEqual))
            await WriteObjectAsync(difference);
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        if (_reference is not null && !_isCompared)
            await WriteErrorAsync(new RunException(ExitCode.Configuration, "NothingToCompare", Strings.Format("NothingToCompare", _reference), _reference));
    }
}
