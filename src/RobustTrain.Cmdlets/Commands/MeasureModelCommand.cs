using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Scores a checkpoint on a dataset.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Model", DefaultParameterSetName = PathSet)]
[OutputType(typeof(ModelScore))]
public sealed class MeasureModelCommand : NetworkCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    /// <summary>A run's folder, whose best checkpoint is meant, or a checkpoint's folder; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("CheckpointPath", "RunPath", "FullName", EscapesWildcards = true)]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The same, with wildcards taken as they stand.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "CheckpointPath", "PSPath")]
    [FromObject("CheckpointPath", "RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>Another dataset than the one that the run was trained on.</summary>
    [Parameter]
    [FromObject("DataPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>The split to score.</summary>
    [Parameter]
    [ValidateSet("Test", "Val", "Train")]
    public string Split { get; set; } = "Test";

    /// <summary>Also measures what thresholded differencing or, in super-resolution, bicubic interpolation reaches on the same samples.</summary>
    [Parameter]
    public SwitchParameter Baseline { get; set; }

    /// <summary>A new or empty folder for pictures of the worst and the best samples.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? PicturePath { get; set; }

    /// <summary>How many of the worst and of the best samples are drawn.</summary>
    [Parameter]
    [ValidateRange(1, 10_000)]
    public int? Most { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        foreach (string path in isLiteral ? LiteralPath : Path)
        {
            foreach (string folder in await ResolveFoldersAsync(path, isLiteral))
                await MeasureAsync(folder, stopping);
        }
    }

    private async Task MeasureAsync(string folder, CancellationToken stopping)
    {
        EvaluationFinished? finished = null;
        string[] arguments = await OnPipelineThread(() => ArgumentsFor(folder).ToArray());
        await CallAsync(arguments, Strings.Format("MeasureActivity", folder), folder, happened => finished = happened as EvaluationFinished ?? finished, stopping);
        if (finished is not null)
            await WriteObjectAsync(ModelScore.From(finished));
    }

    private IEnumerable<string> ArgumentsFor(string path) =>
    [
        .. ArgumentsFor(
            "evaluate", path,
            ("--data-path", DataPath is null ? null : ResolvePath(DataPath)),
            ("--split", Split.ToLowerInvariant()),
            ("--pictures", PicturePath is null ? null : ResolvePath(PicturePath)),
            ("--most", Most?.ToString(CultureInfo.InvariantCulture))),
        .. Baseline ? (string[])["--baseline"] : [],
    ];
}
