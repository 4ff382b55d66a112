using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Runs the loader over a dataset without a training, and rehearses what may befall it.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "DataLoader")]
[OutputType(typeof(DataLoaderMeasurement))]
public sealed class MeasureDataLoaderCommand : LoaderCmdlet
{
    /// <summary>The folder of the dataset.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("DatasetPath")]
    [ConfigurationKey("data.path")]
    [FromObject("DataPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>A folder of images in place of a dataset.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? ImagePath { get; set; }

    /// <summary>So many integers in place of a dataset.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Integers { get; set; }

    /// <summary>The side of the crops of -ImagePath.</summary>
    [Parameter]
    [ValidateRange(1, 8192)]
    public int? CropSize { get; set; }

    /// <summary>Numbers of workers, or auto, measured one after the other.</summary>
    [Parameter]
    [Alias("Workers", "NumWorkerPerGpu")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string[]? NumWorkers { get; set; }

    /// <summary>What the workers are.</summary>
    [Parameter]
    [Alias("Kind")]
    [ValidateSet("Thread", "Process")]
    public string[]? WorkerKind { get; set; }

    /// <summary>Epochs of each measurement.</summary>
    [Parameter]
    [ValidateRange(1, 1_000_000)]
    public int Epochs { get; set; } = 1;

    /// <summary>The split to load.</summary>
    [Parameter]
    [ValidateSet("Train", "Val", "Test")]
    public string Split { get; set; } = "Train";

    /// <summary>Faults to inject.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(FaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Fault { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        bool hasPathSetting = Set?.Any(setting => setting.StartsWith("data.path=", StringComparison.OrdinalIgnoreCase)) == true;
        if (ConfigurationPath is null && DataPath is null && ImagePath is null && Integers is null && !hasPathSetting)
            throw new RunException(ExitCode.Configuration, "NoDataToLoad", Strings.Format("NoDataToLoad"));
        CheckSources();
        TrainingRequest request = await ReadRequestAsync();
        string[] arguments = await OnPipelineThread(() => Arguments(request).ToArray());
        string subject = ImagePath ?? DataPath ?? ConfigurationPath ?? (Integers is { } count ? string.Create(CultureInfo.InvariantCulture, $"{count} integers") : "data");
        await CallAsync(arguments, Strings.Format("LoaderActivity", subject), subject, TakeAsync, stopping);
    }

    private Task TakeAsync(RunEvent happened) =>
        happened is LoaderMeasured measured ? WriteObjectAsync(new DataLoaderMeasurement(measured)) : Task.CompletedTask;

    private void CheckSources()
    {
        string[] data = [.. new (object? Value, string Name)[] { (ImagePath, "-ImagePath"), (Integers, "-Integers"), (DataPath, "-DataPath"), (Dataset, "-Dataset") }
            .Where(source => source.Value is not null).Select(source => source.Name)];
        // -DataPath and -Dataset name one source together; images and integers stand for a whole one each.
        if (data.Length > 1 && (ImagePath is not null || Integers is not null))
            throw new RunException(ExitCode.Configuration, "TwoSources", Strings.Format("TwoSources", data[0], data[1]));
        if (CropSize is not null && ImagePath is null)
            throw new RunException(ExitCode.Configuration, "CropSizeWithoutImages", Strings.Format("NeedsImagePath"));
    }

    private IEnumerable<string> Arguments(TrainingRequest request)
    {
        yield return "loader";
        foreach (string argument in request.ConfigurationArguments())
            yield return argument;
        (string Option, IEnumerable<string> Values)[] options =
        [
            ("--images", ImagePath is null ? [] : [ResolvePath(ImagePath)]),
            ("--integers", TextOf(Integers)),
            ("--crop-size", TextOf(CropSize)),
            ("--workers", NumWorkers ?? []),
            ("--kind", WorkerKind?.Select(kind => kind.ToLowerInvariant()) ?? []),
            ("--epochs", TextOf(Epochs)),
            ("--split", [Split.ToLowerInvariant()]),
            ("--fault", Fault is null ? [] : [string.Join(',', Fault)]),
        ];
        foreach (string argument in options.SelectMany(option => option.Values, (option, value) => (option.Option, Value: value)).SelectMany(pair => (string[])[pair.Option, pair.Value]))
            yield return argument;
    }

    private static string[] TextOf(int? number) => number is { } value ? [value.ToString(CultureInfo.InvariantCulture)] : [];
}
