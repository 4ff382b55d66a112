using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The folders of runs below the current folder, as they stand.</summary>
public sealed class RunPathCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        using var shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        string? here = shell.AddScript("$ExecutionContext.SessionState.Path.CurrentFileSystemLocation.ProviderPath").Invoke<string>().FirstOrDefault();
        if (here is null)
            return [];

        // -Path takes wildcards, so that brackets in a name have to be escaped; -LiteralPath and -RunPath take names as they are.
        Func<string, string> spell = parameterName == "Path" ? WildcardPattern.Escape : name => name;
        return Completions.Of(wordToComplete, RunSearch.Below(here).Select(run => (spell(Path.GetRelativePath(here, run)), Describe(run))));
    }

    private static string Describe(string run)
    {
        try
        {
            RunRecord record = RunFolder.ReadRecord(run);
            return $"{record.Name}: {record.ObservedState}, {record.EpochsDone} of {Counted.Of(record.Epochs, "epoch")}";
        }
        catch (RunException unreadable)
        {
            return unreadable.Message;
        }
    }
}
