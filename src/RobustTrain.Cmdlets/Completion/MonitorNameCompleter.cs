using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Cmdlets.Jobs;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The names of the session's monitors.</summary>
public sealed class MonitorNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return Completions.Of(wordToComplete, shell.AddCommand("Microsoft.PowerShell.Core\\Get-Job").Invoke()
            .Select(job => job.BaseObject).OfType<MonitorJob>()
            .Select(job => (job.Name, $"{job.JobStateInfo.State}, {job.StatusMessage}")));
    }
}
