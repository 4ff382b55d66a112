using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Reports;
using RobustTrain.Reports.Documents;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Reports;

/// <summary>Sums up what runs did in a day or another stretch of time.</summary>
[Cmdlet(VerbsData.Export, "FleetSummary", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(FleetSummary), typeof(FileInfo))]
public sealed class ExportFleetSummaryCommand : RunSearchCmdlet
{
    private readonly List<string> _folders = [];

    /// <summary>The beginning of the stretch, local time; a day before its end where it is not given.</summary>
    [Parameter]
    public DateTime? Since { get; set; }

    /// <summary>The end of the stretch, local time; now where it is not given.</summary>
    [Parameter]
    public DateTime? Until { get; set; }

    /// <summary>The file, .html or .md; objects are written where it is not given.</summary>
    [Parameter(Position = 1)]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? OutputPath { get; set; }

    /// <summary>Html or Markdown; by the file's extension where it is not given.</summary>
    [Parameter]
    public DocumentFormat Format { get; set; }

    /// <summary>Files that Start-Monitor -OutputPath has written, which tell of GPUs while no run was at work, too.</summary>
    [Parameter]
    [FromObject("OutputPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] GpuHistoryPath { get; set; } = [];

    /// <summary>The utilisation in percent under which a GPU counts as idle.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public double IdleBelow { get; set; } = 5;

    /// <summary>Overwrites a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override Task ProcessFolderAsync(string folder, CancellationToken stopping)
    {
        _folders.Add(folder);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        if (_folders.Count == 0)
            return;
        DateTime until = Until ?? DateTime.Now;
        DateTime since = Since ?? until.AddDays(-1);
        if (since >= until)
            throw new RunException(ExitCode.Configuration, "SinceAfterUntil", Strings.Format("SinceAfterUntil", since, until), since);
        bool isFormatGiven = MyInvocation.BoundParameters.ContainsKey(nameof(Format));
        if (OutputPath is null && isFormatGiven)
            throw new RunException(ExitCode.Configuration, "SummaryFormatWithoutFile", Strings.Format("SummaryFormatWithoutFile"));

        string subject = string.Join(", ", _folders);
        string? file = OutputPath is null ? null : await ResolvePathAsync(OutputPath);
        DocumentFormat format = DocumentFormats.Of(isFormatGiven ? Format : null, file);
        if (file is not null)
        {
            file = OutputFile.In(file, string.Create(CultureInfo.InvariantCulture, $"fleet-{until:yyyy-MM-dd}{DocumentFormats.ExtensionOf(format)}"));
            OutputFile.Check(file, Force);
            if (!await ShouldProcessAsync(file, Strings.Format("WriteSummaryAction", subject)))
                return;
        }

        FleetSummary summary = await ReadAsync(since, until, subject, stopping);
        if (file is null)
        {
            foreach (string problem in summary.Problems)
                await WriteErrorAsync(new RunException(ExitCode.Configuration, "SummaryIncomplete", problem));
            await WriteObjectAsync(summary);
            return;
        }

        string title = string.Create(CultureInfo.InvariantCulture, $"Trainings of {since:yyyy-MM-dd HH:mm} to {until:yyyy-MM-dd HH:mm}");
        await WriteObjectAsync(OutputFile.Write(file, format == DocumentFormat.Html ? FleetDocument.WriteHtml(summary, title, DateTimeOffset.UtcNow) : FleetDocument.WriteMarkdown(summary, title)));
    }

    private async Task<FleetSummary> ReadAsync(DateTime since, DateTime until, string subject, CancellationToken stopping)
    {
        List<string> histories = [];
        foreach (string history in GpuHistoryPath)
            histories.Add(await ResolvePathAsync(history));
        return await WithProgressAsync(
            Strings.Format("SummaryActivity", subject),
            show => FleetSummary.Of(_folders.SelectMany(RunSearch.Below).Distinct(), since, until, IdleBelow, histories, show, stopping),
            stopping);
    }
}
