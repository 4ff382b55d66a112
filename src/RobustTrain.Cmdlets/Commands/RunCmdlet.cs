using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that takes runs by their folders.</summary>
public abstract class RunCmdlet : HostCmdlet
{
    private protected const string PathSet = "Path";
    private protected const string LiteralPathSet = "LiteralPath";

    /// <summary>The folders of the runs; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("RunPath", "FullName", EscapesWildcards = true)]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The same, with wildcards taken as they stand.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("RunPath", "PSPath")]
    [FromObject("RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>What is done with one run; an error of it does not keep the others from their turn.</summary>
    private protected abstract Task ProcessRunAsync(string run, CancellationToken stopping);

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        foreach (string path in isLiteral ? LiteralPath : Path)
        {
            bool isPattern = !isLiteral && WildcardPattern.ContainsWildcardCharacters(path);
            foreach (string run in await ResolveFoldersAsync(path, isLiteral))
            {
                // A pattern means the runs that match it, not whatever lies beside them.
                if (!isPattern || RunFolder.IsRun(run))
                    await TryAsync(run, stopping);
            }
        }
    }

    private async Task TryAsync(string run, CancellationToken stopping)
    {
        try
        {
            await ProcessRunAsync(run, stopping);
        }
        catch (RunException failure)
        {
            await WriteErrorAsync(failure, run);
        }
    }
}
