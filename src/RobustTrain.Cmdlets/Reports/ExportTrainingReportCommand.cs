using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Reports;
using RobustTrain.Reports.Documents;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Reports;

/// <summary>Writes what a run did into one file.</summary>
[Cmdlet(VerbsData.Export, "TrainingReport", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(FileInfo))]
public sealed partial class ExportTrainingReportCommand : RunCmdlet
{
    private const int MostPictureMegabytes = 8;

    private readonly HashSet<string> _written = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The file, or the folder of files that are named after their runs.</summary>
    [Parameter(Position = 1)]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? OutputPath { get; set; }

    /// <summary>Html, or a short report as Markdown; by the file's extension where it is not given.</summary>
    [Parameter]
    public DocumentFormat Format { get; set; }

    /// <summary>Draws the worst samples of the test for the report.</summary>
    [Parameter]
    public SwitchParameter Picture { get; set; }

    /// <summary>Takes pictures that Measure-Model -PicturePath has drawn.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? PicturePath { get; set; }

    /// <summary>How many of the worst samples are shown as pictures.</summary>
    [Parameter]
    [ValidateRange(1, 100)]
    public int Most { get; set; } = 4;

    /// <summary>Overwrites a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        string path = OutputPath is null ? await CurrentFolderAsync() : await ResolvePathAsync(OutputPath);
        DocumentFormat format = DocumentFormats.Of(MyInvocation.BoundParameters.ContainsKey(nameof(Format)) ? Format : null, OutputPath is null ? null : path);
        string file = OutputFile.In(path, System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(run)) + DocumentFormats.ExtensionOf(format));
        if (_written.Contains(file))
            throw new RunException(ExitCode.Configuration, "FileWrittenAlready", Strings.Format("FileWrittenAlready", file), file);
        if (System.IO.Path.EndsInDirectorySeparator(path) && !Directory.Exists(path) && !IsWhatIf)
            Directory.CreateDirectory(path);
        if (Directory.Exists(System.IO.Path.GetDirectoryName(file)) || !IsWhatIf)
            OutputFile.Check(file, Force);
        if (!await ShouldProcessAsync(file, Strings.Format("WriteReportAction", record.Name)))
            return;

        IReadOnlyList<ReportPicture> pictures = format == DocumentFormat.Html ? await PicturesAsync(run, stopping) : [];
        RunStory story = await WithProgressAsync(Strings.Format("ReportActivity", record.Name), show => RunStory.Read(run, show, stopping), stopping);
        string text = format == DocumentFormat.Html ? TrainingReport.Write(story, pictures, DateTimeOffset.UtcNow) : ShortReport.Write(story);
        FileInfo written = OutputFile.Write(file, text);
        _written.Add(file);
        await WriteObjectAsync(written);
    }

    private async Task<IReadOnlyList<ReportPicture>> PicturesAsync(string run, CancellationToken stopping)
    {
        if (PicturePath is not null)
        {
            string folder = await ResolvePathAsync(PicturePath);
            IReadOnlyList<ReportPicture> found = Directory.Exists(folder) ? await LoadAsync(folder) : [];
            return found.Count > 0 ? found : throw new RunException(ExitCode.Configuration, "NoPictures", Strings.Format("NoPictures", folder), folder);
        }

        return Picture ? await DrawAsync(run, stopping) : [];
    }

    // A run that has no checkpoint yet, or whose data is elsewhere, gets its report all the same.
    private async Task<IReadOnlyList<ReportPicture>> DrawAsync(string run, CancellationToken stopping)
    {
        string folder = Directory.CreateTempSubdirectory("robusttrain-report-").FullName;
        try
        {
            string[] arguments = ["evaluate", run, "--split", "test", "--pictures", System.IO.Path.Combine(folder, "pictures"), "--most", Most.ToString(CultureInfo.InvariantCulture)];
            await CallAsync(arguments, Strings.Format("MeasureActivity", run), run, _ => { }, stopping);
            return await LoadAsync(System.IO.Path.Combine(folder, "pictures"));
        }
        catch (RunException failure)
        {
            await WriteWarningAsync(Strings.Format("PicturesNotMade", failure.Message));
            return [];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<IReadOnlyList<ReportPicture>> LoadAsync(string folder)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.png").Order(StringComparer.Ordinal)] : [];
        string[] worst = [.. files.Where(file => System.IO.Path.GetFileName(file).StartsWith("worst-", StringComparison.Ordinal))];
        List<ReportPicture> pictures = [];
        foreach (string file in (worst.Length > 0 ? worst : files).Take(Most))
        {
            if (new FileInfo(file).Length > MostPictureMegabytes << 20)
                await WriteWarningAsync(Strings.Format("PictureTooLarge", file, MostPictureMegabytes));
            else
                pictures.Add(new ReportPicture(CaptionOf(System.IO.Path.GetFileNameWithoutExtension(file)), File.ReadAllBytes(file)));
        }

        return pictures;
    }

    private static string CaptionOf(string stem) => Stem().Match(stem) is { Success: true } parts
        ? $"{parts.Groups["name"].Value}: {parts.Groups["score"].Value}"
        : stem;

    // As Measure-Model names them: worst-01-0.1234-NAME.
    [GeneratedRegex(@"^(?:worst|best)-\d+-(?<score>-?[\d.]+)-(?<name>.+)$")]
    private static partial Regex Stem();
}
