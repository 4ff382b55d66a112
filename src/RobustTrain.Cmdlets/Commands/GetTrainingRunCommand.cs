using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads runs from their folders: one, or all below a folder.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingRun", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingRun), typeof(TrainingAttempt))]
public sealed class GetTrainingRunCommand : RobustTrainCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    /// <summary>Folders of runs, or folders that hold runs; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("RunPath", "FullName", EscapesWildcards = true)]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = ["."];

    /// <summary>The same, with wildcards taken as they stand.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "PSPath")]
    [FromObject("RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>Only runs of these names; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [FromObject("Name", EscapesWildcards = true)]
    public string[] Name { get; set; } = ["*"];

    /// <summary>Only runs in these states.</summary>
    [Parameter]
    public RunState[] State { get; set; } = Enum.GetValues<RunState>();

    /// <summary>Writes, in place of the runs, each process that has worked on them: when it began, how far it came, and how it ended.</summary>
    [Parameter]
    public SwitchParameter History { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        foreach (string path in isLiteral ? LiteralPath : Path)
        {
            foreach (string folder in await ResolveFoldersAsync(path, isLiteral))
                await WriteRunsAsync(folder, stopping);
        }
    }

    private async Task WriteRunsAsync(string folder, CancellationToken stopping)
    {
        if (!Directory.Exists(folder))
        {
            await WriteErrorAsync(new RunException(ExitCode.Configuration, "RunNotFound", Strings.Format("FolderNotFound", folder), folder));
            return;
        }

        foreach (string run in RunSearch.Below(folder))
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                RunRecord record = RunFolder.ReadRecord(run);
                if (State.Contains(record.ObservedState) && Name.Any(pattern => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(record.Name)))
                    await WriteAsync(record, run);
            }
            catch (RunException unreadable)
            {
                // One damaged record must not hide the other runs.
                await WriteErrorAsync(unreadable, run);
            }
        }
    }

    private async Task WriteAsync(RunRecord record, string run)
    {
        if (!History)
        {
            await WriteObjectAsync(TrainingRun.From(record, run));
            return;
        }

        foreach (TrainingAttempt attempt in TrainingAttempt.Of(record, run))
            await WriteObjectAsync(attempt);
    }
}
