using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Uses a trained network on images: one process for all that the pipeline brings.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "Model", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[Alias("Export-Prediction")]
[OutputType(typeof(ChangePrediction), typeof(ClassMapPrediction), typeof(ImagePrediction), typeof(LabelPrediction))]
public sealed class InvokeModelCommand : NetworkCmdlet
{
    private const string PairSet = "Pair";
    private const string PathSet = "Path";

    // The images or pairs of each network, as lines of the executable's list.
    private readonly Dictionary<string, List<string>> _inputs = new(StringComparer.Ordinal);

    // How a prediction goes on that was stopped; null where none is under way.
    private string? _goesOn;

    /// <summary>A run's folder, whose best checkpoint is meant, or a checkpoint's folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "CheckpointPath")]
    [FromObject("CheckpointPath", "RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string ModelPath { get; set; } = "";

    /// <summary>Images of the earlier date, or a folder of them.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = PairSet, ValueFromPipelineByPropertyName = true)]
    [FromObject("ImagePathA", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] ImagePathA { get; set; } = [];

    /// <summary>Images of the later date, or a folder of them.</summary>
    [Parameter(Mandatory = true, Position = 2, ParameterSetName = PairSet, ValueFromPipelineByPropertyName = true)]
    [FromObject("ImagePathB", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] ImagePathB { get; set; } = [];

    /// <summary>Images or folders of them, or for a network that takes pairs folders with the folders A and B; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("FullName", "DataPath", "ImagePath", EscapesWildcards = true)]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The folder of the results; of labels the CSV file, which may be left out.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? OutputPath { get; set; }

    /// <summary>Also writes probabilities as greys.</summary>
    [Parameter]
    public SwitchParameter Probability { get; set; }

    /// <summary>How many of an image's most probable classes are told.</summary>
    [Parameter]
    public int? Top { get; set; }

    /// <summary>The side of the tiles in which larger images are computed.</summary>
    [Parameter]
    public int? TileSize { get; set; }

    /// <summary>The pixels that neighbouring tiles share.</summary>
    [Parameter]
    public int? Overlap { get; set; }

    /// <summary>Overwrites files that are there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Leaves out inputs whose results are there, to go on where a prediction was stopped.</summary>
    [Parameter]
    public SwitchParameter SkipExisting { get; set; }

    private protected override CmdletWords Words() => base.Words() with { Own = new Dictionary<string, string> { ["--images"] = "-Path" } };

    private protected override CmdletWords WordsOfCall() => Words() with { Worker = Strings.Format("Prediction"), GoesOn = Strings.Format("PredictionGoesOn") };

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string model = await ResolvePathAsync(ModelPath);
        if (!_inputs.TryGetValue(model, out List<string>? lines))
            _inputs.Add(model, lines = []);
        if (ParameterSetName == PathSet)
        {
            foreach (string path in Path)
                lines.AddRange(await ResolveImagesAsync(path));
            return;
        }

        if (ImagePathA.Length != ImagePathB.Length)
            throw new RunException(ExitCode.Configuration, "ImagesNotInPairs", Strings.Format("ImagesNotInPairs", Counted.Of(ImagePathA.Length, "path"), Counted.Of(ImagePathB.Length, "path")), ImagePathA);
        foreach ((string first, string second) in ImagePathA.Zip(ImagePathB))
            lines.Add($"{await ResolvePathAsync(first)}\t{await ResolvePathAsync(second)}");
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        foreach ((string model, List<string> lines) in _inputs.Where(input => input.Value.Count > 0))
            await PredictAsync(model, lines, stopping);
    }

    /// <inheritdoc/>
    protected override void AfterStop()
    {
        // The streams of a stopped pipeline are closed; the host is not. A command downstream that has seen enough needs no advice.
        if (Stopping && _goesOn is not null)
            Host.UI?.WriteWarningLine(_goesOn);
    }

    private async Task PredictAsync(string model, List<string> lines, CancellationToken stopping)
    {
        string list = System.IO.Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(list, lines, stopping);
            string[] arguments = await OnPipelineThread(() => ArgumentsFor(model, list).ToArray());
            string subject = OutputPath is null ? model : await ResolvePathAsync(OutputPath);
            string action = await OnPipelineThread(() => IsWhatIf)
                ? await CheckAsync(arguments, model, stopping)
                : Strings.Format("PredictAction", model);
            if (!await ShouldProcessAsync(subject, action))
                return;
            _goesOn = Strings.Format("PredictStopped");
            await CallAsync(arguments, Strings.Format("PredictActivity", model), model, TakeAsync, stopping);
            _goesOn = null;
        }
        finally
        {
            File.Delete(list);
        }
    }

    private async Task TakeAsync(RunEvent happened)
    {
        switch (happened)
        {
            case PredictionFailed failed:
                await WriteErrorAsync(new RunException(ExitCode.Data, "SampleNotReadable", failed.Message, failed.Target));
                break;
            case var other when ModelPrediction.From(other) is { } prediction:
                _goesOn = Strings.Format(prediction is LabelPrediction ? "PredictLabelsStopped" : "PredictStopped");
                await WriteObjectAsync(prediction);
                break;
        }
    }

    // What could not begin is an error under -WhatIf, too.
    private async Task<string> CheckAsync(string[] arguments, string model, CancellationToken stopping)
    {
        PredictionPlanned? planned = null;
        await CallAsync([.. arguments, "--check"], Strings.Format("PredictActivity", model), model, happened => planned = happened as PredictionPlanned ?? planned, stopping);
        return Strings.Format("PredictPlan", Counted.Of(planned?.Pairs ?? 0, planned?.InputName ?? "image"), planned?.Checkpoint);
    }

    private IEnumerable<string> ArgumentsFor(string model, string list) =>
    [
        .. ArgumentsFor(
            "predict", model,
            ("--pairs", list),
            ("--output", OutputPath is null ? null : ResolvePath(OutputPath)),
            ("--top", Top?.ToString(CultureInfo.InvariantCulture)),
            ("--tile-size", TileSize?.ToString(CultureInfo.InvariantCulture)),
            ("--overlap", Overlap?.ToString(CultureInfo.InvariantCulture))),
        .. Probability ? (string[])["--probability"] : [],
        .. Force ? (string[])["--force"] : [],
        .. SkipExisting ? (string[])["--skip-existing"] : [],
    ];
}
