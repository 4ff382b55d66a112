using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Cmdlets.Training;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Scores a checkpoint on a data set.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Model")]
[OutputType(typeof(ModelScore))]
public sealed class MeasureModelCommand : HostCmdlet
{
    /// <summary>A run's folder, whose best checkpoint is meant, or a checkpoint's folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "CheckpointPath", "PSPath", "LiteralPath")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Another data set than the one that the run was trained on.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>The split to score.</summary>
    [Parameter]
    [ValidateSet("Test", "Val", "Train")]
    public string Split { get; set; } = "Test";

    /// <summary>Which checkpoint of a run.</summary>
    [Parameter]
    [ValidateSet("Best", "Latest")]
    public string Checkpoint { get; set; } = "Best";

    /// <summary>The configuration of a checkpoint that lies in no run.</summary>
    [Parameter]
    [Alias("Config")]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>Another device than the run's.</summary>
    [Parameter]
    [DeviceTransformation]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string? Device { get; set; }

    /// <summary>Any keys of the configuration.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[]? Set { get; set; }

    /// <summary>Also measures what thresholded differencing reaches on the same samples.</summary>
    [Parameter]
    public SwitchParameter Baseline { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        foreach (string path in Path)
        {
            string resolved = await ResolvePathAsync(path);
            EvaluationFinished? finished = null;
            string[] arguments = await OnPipelineThread(() => ArgumentsFor(resolved).ToArray());
            await CallAsync(arguments, Strings.Format("MeasureActivity", resolved), resolved, happened => finished = happened as EvaluationFinished ?? finished, stopping);
            if (finished is not null)
                await WriteObjectAsync(ModelScore.From(finished));
        }
    }

    private IEnumerable<string> ArgumentsFor(string path)
    {
        yield return "evaluate";
        yield return path;
        foreach (string setting in Set ?? [])
        {
            yield return "--set";
            yield return setting;
        }

        (string Option, string? Value)[] options =
        [
            ("--config", ConfigurationPath is null ? null : ResolvePath(ConfigurationPath)),
            ("--data-path", DataPath is null ? null : ResolvePath(DataPath)),
            ("--split", Split.ToLowerInvariant()),
            ("--checkpoint", Checkpoint.ToLowerInvariant()),
            ("--device", Device),
        ];
        foreach ((string option, string? value) in options)
        {
            if (value is null)
                continue;

            yield return option;
            yield return value;
        }

        if (Baseline)
            yield return "--baseline";
    }
}
