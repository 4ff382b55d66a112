using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Looks for a learning rate: the loss of each step while the rate rises.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "LearningRate")]
[OutputType(typeof(Output.LearningRatePoint))]
public sealed class MeasureLearningRateCommand : ConfiguredCmdlet
{
    /// <summary>The steps of the search.</summary>
    [Parameter]
    public int? Steps { get; set; }

    /// <summary>The learning rate of the first step.</summary>
    [Parameter]
    public double? MinimumLearningRate { get; set; }

    /// <summary>The learning rate of the last step.</summary>
    [Parameter]
    public double? MaximumLearningRate { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        TrainingRequest request = await ReadRequestAsync();
        string[] arguments =
        [
            "find-learning-rate",
            .. request.ConfigurationArguments(),
            .. Steps is { } steps ? (string[])["--steps", steps.ToString(CultureInfo.InvariantCulture)] : [],
            .. MinimumLearningRate is { } from ? (string[])["--from", from.ToString("R", CultureInfo.InvariantCulture)] : [],
            .. MaximumLearningRate is { } to ? (string[])["--to", to.ToString("R", CultureInfo.InvariantCulture)] : [],
        ];
        LearningRatesMeasured? measured = null;
        await CallAsync(arguments, Strings.Format("LearningRateActivity"), request.Subject, happened => measured = happened as LearningRatesMeasured ?? measured, stopping);
        if (measured is null)
            return;
        if (measured.Suggested is null)
            await WriteWarningAsync(Strings.Format("NoLearningRate"));
        foreach (Runs.Events.LearningRatePoint point in measured.Points)
            await WriteObjectAsync(Output.LearningRatePoint.From(point, point.Step == measured.Suggested));
    }
}
