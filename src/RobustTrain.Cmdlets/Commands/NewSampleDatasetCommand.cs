using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Makes data to train on without a download.</summary>
[Cmdlet(VerbsCommon.New, "SampleDataset", SupportsShouldProcess = true)]
[OutputType(typeof(SampleDataset))]
public sealed class NewSampleDatasetCommand : HostCmdlet
{
    /// <summary>The folder to make.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [FromObject("Path", "FullName")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>What is to be trained on it.</summary>
    [Parameter]
    [ConfigurationKey("task")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Task { get; set; }

    /// <summary>The same seed makes the same bytes.</summary>
    [Parameter]
    public long Seed { get; set; }

    /// <summary>The share of each scene that is built up between the dates.</summary>
    [Parameter]
    [ValidateRange(0.01, 0.2)]
    public double? ChangeShare { get; set; }

    /// <inheritdoc/>
    protected override async System.Threading.Tasks.Task ProcessRecordAsync(CancellationToken stopping)
    {
        string folder = await ResolvePathAsync(Path);
        if (!await ShouldProcessAsync(folder, Strings.Format("SampleDataAction")))
            return;

        List<string> arguments = ["sample-data", folder, "--seed", Seed.ToString(CultureInfo.InvariantCulture)];
        if (Task is not null)
            arguments.AddRange(["--task", Task]);
        if (ChangeShare is { } share)
            arguments.AddRange(["--change-share", share.ToString("R", CultureInfo.InvariantCulture)]);

        SampleDataFinished? finished = null;
        await CallAsync(arguments, Strings.Format("SampleDataActivity", folder), folder, happened => finished = happened as SampleDataFinished ?? finished, stopping);
        if (finished is not null)
            await WriteObjectAsync(SampleDataset.From(finished));
    }
}
