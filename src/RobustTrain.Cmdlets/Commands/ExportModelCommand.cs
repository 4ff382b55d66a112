using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes a trained network away, for other programs.</summary>
[Cmdlet(VerbsData.Export, "Model", SupportsShouldProcess = true)]
[OutputType(typeof(ModelExport))]
public sealed class ExportModelCommand : CheckpointCmdlet
{
    /// <summary>A run's folder, whose best checkpoint is meant, or a checkpoint's folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "CheckpointPath")]
    [FromObject("CheckpointPath", "RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string ModelPath { get; set; } = "";

    /// <summary>The file to write.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string OutputPath { get; set; } = "";

    /// <summary>What is written; by the file's extension where it is not given.</summary>
    [Parameter]
    [ValidateSet("SafeTensors", "Onnx")]
    public string? Format { get; set; }

    /// <summary>The version of ONNX's operator set.</summary>
    [Parameter]
    public int? Opset { get; set; }

    /// <summary>The images of a batch; open where it is not given.</summary>
    [Parameter]
    public int? Batch { get; set; }

    /// <summary>The height of images; open where it is not given.</summary>
    [Parameter]
    public int? Height { get; set; }

    /// <summary>The width of images; open where it is not given.</summary>
    [Parameter]
    public int? Width { get; set; }

    /// <summary>Overwrites a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string model = await ResolvePathAsync(ModelPath);
        string output = await ResolvePathAsync(OutputPath);
        if (!await ShouldProcessAsync(output, Strings.Format("ExportAction", model)))
            return;

        ModelExported? exported = null;
        string[] arguments = await OnPipelineThread(() => ArgumentsFor(model, output).ToArray());
        await CallAsync(arguments, Strings.Format("ExportActivity", model), model, happened => exported = happened as ModelExported ?? exported, stopping);
        if (exported is not null)
            await WriteObjectAsync(ModelExport.From(exported));
    }

    private IEnumerable<string> ArgumentsFor(string model, string output) =>
    [
        .. ArgumentsFor(
            "export", model,
            ("--output", output),
            ("--format", Format?.ToLowerInvariant()),
            ("--opset", Opset?.ToString(CultureInfo.InvariantCulture)),
            ("--batch", Batch?.ToString(CultureInfo.InvariantCulture)),
            ("--height", Height?.ToString(CultureInfo.InvariantCulture)),
            ("--width", Width?.ToString(CultureInfo.InvariantCulture))),
        .. Force ? (string[])["--force"] : [],
    ];
}
