using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that takes folders in which runs stand, the current one where none is named.</summary>
public abstract class RunSearchCmdlet : RobustTrainCmdlet
{
    private protected const string PathSet = "Path";
    private protected const string LiteralPathSet = "LiteralPath";

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

    /// <summary>What is done with one folder, which is there.</summary>
    private protected abstract Task ProcessFolderAsync(string folder, CancellationToken stopping);

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        foreach (string path in isLiteral ? LiteralPath : Path)
        {
            foreach (string folder in await ResolveFoldersAsync(path, isLiteral))
            {
                if (Directory.Exists(folder))
                    await ProcessFolderAsync(folder, stopping);
                else
                    await WriteErrorAsync(new RunException(ExitCode.Configuration, "RunNotFound", Strings.Format("FolderNotFound", folder), folder));
            }
        }
    }
}
